//! Access control: the token, and the host names that requests may use.

use super::{ServeError, State, problem::Problem};
use axum::{
    extract::{self, Request},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::Response,
};
use sha2::{Digest as _, Sha256};
use std::{net::IpAddr, sync::Arc};
use subtle::ConstantTimeEq as _;

/// Least bytes of a token; a shorter one could be guessed.
const MIN_TOKEN: usize = 16;

/// Paths that need no token, because they do not reveal FAQ content.
const PUBLIC: [&str; 3] = ["/", "/health", "/openapi.json"];

pub(super) struct Access {
    /// SHA-256 of the token: hashes have one length, so comparison takes the same time for every guess.
    token: Option<[u8; 32]>,
    /// Accepted host names; `None` accepts any.
    hosts: Option<Vec<String>>,
}

impl Access {
    /// # Errors
    /// If the host needs a token and there is none, or the token is too short.
    pub(super) fn new(
        host: IpAddr,
        token: Option<&str>,
        allowed_hosts: &[String],
    ) -> Result<Self, ServeError> {
        match token {
            None if !host.is_loopback() => {
                return Err(ServeError::TokenRequired { host });
            }
            Some(token) if token.len() < MIN_TOKEN => {
                return Err(ServeError::TokenTooShort {
                    length: token.len(),
                    min: MIN_TOKEN,
                });
            }
            _ => {}
        }
        let own = ["localhost", "127.0.0.1", "[::1]"].map(String::from);
        let own = own.into_iter().chain([format_host(host)]);
        let allowed = allowed_hosts.iter().map(|name| name.to_ascii_lowercase());
        Ok(Self {
            token: token.map(|token| Sha256::digest(token).into()),
            hosts: host.is_loopback().then(|| own.chain(allowed).collect()),
        })
    }

    pub(super) fn requires_token(&self) -> bool {
        self.token.is_some()
    }

    /// Prevents DNS rebinding: a web page whose name resolves to this address sends that name as `Host`.
    fn check_host(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(hosts) = &self.hosts else {
            return Ok(());
        };
        let host = headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = strip_port(host).to_ascii_lowercase();
        if hosts.contains(&host) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "unknown_host",
            format!(
                "this server doesn't accept the host name “{host}”; use 127.0.0.1, or allow the name with \
                 --allow-host"
            ),
        ))
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(token) = &self.token else {
            return Ok(());
        };
        let unauthorized =
            |message: &str| Problem::new(StatusCode::UNAUTHORIZED, "wrong_token", message);
        let given = headers.get(header::AUTHORIZATION);
        let given = given.and_then(|value| value.as_bytes().split_at_checked(7));
        match given {
            Some((scheme, given)) if scheme.eq_ignore_ascii_case(b"Bearer ") => {
                let given: [u8; 32] = Sha256::digest(given.trim_ascii()).into();
                if bool::from(given.ct_eq(token)) {
                    Ok(())
                } else {
                    Err(unauthorized("this is not the server's token"))
                }
            }
            _ => Err(unauthorized(
                "send the server's token in the header “Authorization: Bearer TOKEN”",
            )),
        }
    }
}

/// Middleware that checks host name and token.
pub(super) async fn check_access(
    extract::State(state): extract::State<Arc<State>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let access = &state.access;
    access.check_host(request.headers())?;
    if !PUBLIC.contains(&request.uri().path()) {
        access.check_token(request.headers())?;
    }
    Ok(next.run(request).await)
}

/// Formats an address as in a `Host` header.
fn format_host(host: IpAddr) -> String {
    match host {
        IpAddr::V4(host) => host.to_string(),
        IpAddr::V6(host) => format!("[{host}]"),
    }
}

fn strip_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn check_host_accepts_own_and_allowed_names_on_loopback() {
        let access = Access::new(LOOPBACK, None, &["faq.example".into()]).unwrap();
        for (host, accepted) in [
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
            let checked = access.check_host(&headers(header::HOST, host));
            assert_eq!(checked.is_ok(), accepted, "{host}");
        }
        assert!(access.check_host(&HeaderMap::new()).is_err());
    }

    #[test]
    fn check_token_accepts_the_exact_token_only() {
        let token = "0123456789abcdef";
        let access = Access::new(LOOPBACK, Some(token), &[]).unwrap();
        for (value, accepted) in [
            ("Bearer 0123456789abcdef", true),
            ("bearer 0123456789abcdef", true),
            ("Bearer 0123456789abcde", false),
            ("Bearer 0123456789abcdef0", false),
            ("Basic 0123456789abcdef", false),
            ("Bearer", false),
            ("", false),
        ] {
            let checked = access.check_token(&headers(header::AUTHORIZATION, value));
            assert_eq!(checked.is_ok(), accepted, "{value}");
        }
        assert!(access.check_token(&HeaderMap::new()).is_err());
    }

    #[test]
    fn new_requires_long_token_except_on_loopback() {
        let any: IpAddr = "0.0.0.0".parse().unwrap();
        assert!(Access::new(any, None, &[]).is_err());
        assert!(Access::new(any, Some("short"), &[]).is_err());
        assert!(Access::new(LOOPBACK, Some("short"), &[]).is_err());
        assert!(Access::new(any, Some("0123456789abcdef"), &[]).is_ok());
        assert!(Access::new("::1".parse().unwrap(), None, &[]).is_ok());
    }
}
