use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::{CliError, CommonArgs, print};
use crate::settings::TaskSettings;

/// What stands for the name in the files below.
const NAME: &str = "{{name}}";

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The task's name, which is also that of its folder: letters, digits, - and _
    name: String,
    /// What runs it
    #[arg(long, value_enum, default_value_t = Kind::Javascript)]
    runtime: Kind,
    /// Make its folder in this one [default: that of the setting tasks.folder, which is tasks]
    #[arg(long = "in", value_name = "DIR")]
    within: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A function in main.js
    Javascript,
    /// A request in request.json
    Http,
    /// A command in process.json
    Process,
}

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("new/", $folder, "/", $name)))),+]
    };
}

impl Kind {
    /// The files of a task to start from.
    const fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Javascript => files!("javascript":
                "metadata.json",
                "main.js",
                "input.schema.json",
                "output.schema.json",
                "tests/greets_by_name.json",
                "tests/refuses_an_empty_name.json",
            ),
            Self::Http => files!("http":
                "metadata.json",
                "request.json",
                "input.schema.json",
                "output.schema.json",
                "tests/finds_a_healthy_service.json",
                "tests/fails_when_the_service_is_down.json",
            ),
            Self::Process => files!("process":
                "metadata.json",
                "process.json",
                "input.schema.json",
                "output.schema.json",
                "tests/greets_by_name.json",
            ),
        }
    }
}

impl Kind {
    /// An input for a first run.
    const fn input(self) -> &'static str {
        match self {
            Self::Javascript | Self::Process => "{\"name\": \"Ada\"}",
            Self::Http => "{\"url\": \"https://shop.example/health\"}",
        }
    }

    /// What lets it run where the settings do not.
    const fn allowance(self) -> &'static str {
        match self {
            Self::Javascript | Self::Http => "",
            Self::Process => " --allow-command printf",
        }
    }
}

impl NewArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let Self {
            name,
            runtime,
            within,
        } = self;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 100 || !name.chars().all(is_plain) || name.starts_with('-') {
            return Err(CliError::Usage(format!(
                "NAME is \"{name}\": allowed are 1 through 100 letters, digits, - and _"
            )));
        }
        let within = match within {
            Some(folder) => folder,
            None => {
                let folder = common.settings()?.tasks.folder;
                folder.unwrap_or_else(|| TaskSettings::DEFAULT_FOLDER.into())
            }
        };
        let folder = within.join(&name);
        make(&folder, &name, runtime)?;
        let shown = folder.display();
        let mut text = format!("{shown} is made:\n");
        for (file, _) in runtime.files() {
            text.push_str(&format!("  {file}\n"));
        }
        text.push_str(&format!(
            "\nNext:\n  ratchet task validate {shown}{allowance}\n  ratchet task test {shown}{allowance}\n  \
             ratchet task run {shown}{allowance} --input '{}'\n",
            runtime.input(),
            allowance = runtime.allowance(),
        ));
        print(&text)
    }
}

/// Writes the files of a task into a folder that must not exist.
fn make(folder: &Path, name: &str, kind: Kind) -> Result<(), CliError> {
    let refused = |path: &Path, error: std::io::Error| {
        CliError::Failed(format!("{} cannot be made: {error}", path.display()))
    };
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(|error| refused(parent, error))?;
    }
    // The one step that fails when somebody else was faster.
    fs::create_dir(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => CliError::Failed(format!(
            "{} exists already, and is left as it is: choose another name",
            folder.display()
        )),
        _ => refused(folder, error),
    })?;
    let tests = folder.join("tests");
    fs::create_dir(&tests).map_err(|error| refused(&tests, error))?;
    for (file, text) in kind.files() {
        let path = folder.join(file);
        fs::File::create_new(&path)
            .and_then(|mut file| file.write_all(text.replace(NAME, name).as_bytes()))
            .map_err(|error| refused(&path, error))?;
    }
    Ok(())
}
