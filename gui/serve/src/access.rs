//! Who may ask what: the token, and the names this server goes by.

use super::{State, problem::Problem};
use axum::{
    extract::{self, Request},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::Response,
};
use nearsay_message::UserError;
use sha2::{Digest as _, Sha256};
use std::{net::IpAddr, sync::Arc};
use subtle::ConstantTimeEq as _;

/// Bytes of a token; fewer could be guessed.
const SHORTEST: usize = 16;

/// These tell nothing of the FAQ: anybody may have them.
const OPEN: [&str; 3] = ["/", "/health", "/openapi.json"];

/// Who may ask.
pub(super) struct Access {
    /// SHA-256 of the token, so that comparing takes as long for any guess.
    token: Option<[u8; 32]>,
    /// The only names this server may be called by; none: any.
    names: Option<Vec<String>>,
}

impl Access {
    /// # Errors
    /// When others could ask without a token, or could guess it.
    pub(super) fn new(
        host: IpAddr,
        token: Option<&str>,
        names: &[String],
    ) -> Result<Self, UserError> {
        match token {
            None if !host.is_loopback() => {
                return Err(UserError::new(
                    format_args!(
                        "others could reach this server at {host}, and ask without a token"
                    ),
                    "Set a long random token in the environment variable NEARSAY_TOKEN, or serve this \
                     computer alone, which is the default (--host 127.0.0.1).",
                ));
            }
            Some(token) if token.len() < SHORTEST => {
                return Err(UserError::new(
                    format_args!(
                        "the token has {} characters and could be guessed",
                        token.len()
                    ),
                    format_args!(
                        "Give one of at least {SHORTEST}, for instance of “openssl rand -hex 32”."
                    ),
                ));
            }
            _ => {}
        }
        let own = ["localhost", "127.0.0.1", "[::1]"].map(String::from);
        let own = own.into_iter().chain([named(host)]);
        let given = names.iter().map(|name| name.to_ascii_lowercase());
        Ok(Self {
            token: token.map(|token| Sha256::digest(token).into()),
            names: host.is_loopback().then(|| own.chain(given).collect()),
        })
    }

    /// Whether there is a token to be had.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// A page of elsewhere may point its own name here, to ask as if it were of this computer: its
    /// browser then says that name.
    fn check_name(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(names) = &self.names else {
            return Ok(());
        };
        let host = headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = without_port(host).to_ascii_lowercase();
        match names.contains(&host) {
            true => Ok(()),
            false => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "unknown_host",
                format!(
                    "this server is not known by the name “{host}”; use 127.0.0.1, or allow the name with \
                     --allow-host"
                ),
            )),
        }
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(token) = &self.token else {
            return Ok(());
        };
        let refused = |message: &str| {
            Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "wrong_token",
                message,
            ))
        };
        let given = headers.get(header::AUTHORIZATION);
        let given = given.and_then(|value| value.as_bytes().split_at_checked(7));
        match given {
            Some((scheme, given)) if scheme.eq_ignore_ascii_case(b"Bearer ") => {
                let given: [u8; 32] = Sha256::digest(given.trim_ascii()).into();
                match bool::from(given.ct_eq(token)) {
                    true => Ok(()),
                    false => refused("this is not the server's token"),
                }
            }
            _ => refused("send the server's token, with the header “Authorization: Bearer TOKEN”"),
        }
    }
}

/// Lets through who may ask.
pub(super) async fn guard(
    extract::State(state): extract::State<Arc<State>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let access = &state.access;
    access.check_name(request.headers())?;
    if !OPEN.contains(&request.uri().path()) {
        access.check_token(request.headers())?;
    }
    Ok(next.run(request).await)
}

/// An address as it stands in a `Host`.
fn named(host: IpAddr) -> String {
    match host {
        IpAddr::V4(host) => host.to_string(),
        IpAddr::V6(host) => format!("[{host}]"),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn only_own_names_are_answered_on_loopback() {
        let access = Access::new(HERE, None, &["faq.example".into()]).unwrap();
        for (host, known) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:80", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("faq.example", true),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            let checked = access.check_name(&headers(header::HOST, host));
            assert_eq!(checked.is_ok(), known, "{host}");
        }
        assert!(access.check_name(&HeaderMap::new()).is_err());
    }

    #[test]
    fn a_token_is_compared_as_a_whole() {
        let token = "0123456789abcdef";
        let access = Access::new(HERE, Some(token), &[]).unwrap();
        for (value, right) in [
            ("Bearer 0123456789abcdef", true),
            ("bearer 0123456789abcdef", true),
            ("Bearer 0123456789abcde", false),
            ("Bearer 0123456789abcdef0", false),
            ("Basic 0123456789abcdef", false),
            ("Bearer", false),
            ("", false),
        ] {
            let checked = access.check_token(&headers(header::AUTHORIZATION, value));
            assert_eq!(checked.is_ok(), right, "{value}");
        }
        assert!(access.check_token(&HeaderMap::new()).is_err());
    }

    #[test]
    fn nobody_else_asks_without_a_token() {
        let everywhere: IpAddr = "0.0.0.0".parse().unwrap();
        assert!(Access::new(everywhere, None, &[]).is_err());
        assert!(Access::new(everywhere, Some("short"), &[]).is_err());
        assert!(Access::new(HERE, Some("short"), &[]).is_err());
        assert!(Access::new(everywhere, Some("0123456789abcdef"), &[]).is_ok());
        assert!(Access::new("::1".parse().unwrap(), None, &[]).is_ok());
    }
}
