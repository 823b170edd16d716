use std::path::{Path, PathBuf};

/// What the runtime `process` may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessConfig {
    /// Whether there are processes at all.
    pub enabled: bool,
    /// What may be run: absolute paths, and bare names, which are looked for in the folders of `path`.
    pub allowed_commands: Vec<String>,
    /// A folder of which every executable file may be run, by its path below the folder.
    pub folder: Option<PathBuf>,
    /// The variable `PATH` of every process: absolute folders, separated by colons.
    pub path: String,
    /// Where a task may say that its process works: in these folders, and below them.
    pub working_folders: Vec<PathBuf>,
    /// How long a process that was told to end (SIGTERM) may take before it is killed (SIGKILL), in seconds.
    pub stop_grace_seconds: u64,
    /// How much of what a process prints may become its result, in bytes.
    pub max_output_bytes: u64,
}

/// A setting of the processes is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("process.{field} is {value}: {rule}")]
pub struct ProcessConfigError {
    /// The field of [`ProcessConfig`].
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is allowed.
    pub rule: String,
}

impl Default for ProcessConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            allowed_commands: Vec::new(),
            folder: None,
            path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
            working_folders: Vec::new(),
            stop_grace_seconds: 5,
            max_output_bytes: 1 << 20,
        }
    }
}

impl ProcessConfig {
    /// The longest grace.
    pub const MAX_STOP_GRACE_SECONDS: u64 = 300;
    /// The largest result.
    pub const MAX_OUTPUT_BYTES: u64 = 64 << 20;

    /// The same, if every field is allowed.
    ///
    /// # Errors
    /// [`ProcessConfigError`] names the first field that is not, and the rule.
    pub fn validated(self) -> Result<Self, ProcessConfigError> {
        match self.faults().into_iter().next() {
            None => Ok(self),
            Some(fault) => Err(fault),
        }
    }

    /// Everything that is not allowed.
    #[must_use]
    pub fn faults(&self) -> Vec<ProcessConfigError> {
        let mut faults = Vec::new();
        let mut refuse = |field, value: String, rule: &str| {
            faults.push(ProcessConfigError {
                field,
                value,
                rule: rule.to_owned(),
            });
        };
        for command in &self.allowed_commands {
            let is_bare = !command.is_empty() && !command.contains('/') && command != "." && command != "..";
            if !is_bare && !is_plain(Path::new(command)) {
                let rule = "absolute paths and bare names are allowed";
                refuse("allowed_commands", format!("\"{command}\""), rule);
            }
        }
        if self.path.split(':').any(|folder| !is_plain(Path::new(folder))) {
            let rule = "absolute paths of folders, separated by colons, are allowed";
            refuse("path", format!("\"{}\"", self.path), rule);
        }
        let folders = self
            .working_folders
            .iter()
            .map(|folder| ("working_folders", folder));
        for (field, folder) in folders.chain(self.folder.iter().map(|folder| ("folder", folder))) {
            if !is_plain(folder) {
                let rule = "an absolute path of a folder is allowed";
                refuse(field, format!("\"{}\"", folder.display()), rule);
            }
        }
        if self.stop_grace_seconds > Self::MAX_STOP_GRACE_SECONDS {
            let rule = format!("0 to {} seconds are allowed", Self::MAX_STOP_GRACE_SECONDS);
            refuse("stop_grace_seconds", self.stop_grace_seconds.to_string(), &rule);
        }
        if !(1..=Self::MAX_OUTPUT_BYTES).contains(&self.max_output_bytes) {
            let rule = format!("1 to {} bytes are allowed", Self::MAX_OUTPUT_BYTES);
            refuse("max_output_bytes", self.max_output_bytes.to_string(), &rule);
        }
        if self.enabled && self.allowed_commands.is_empty() && self.folder.is_none() {
            let rule = "then process.allowed_commands or process.folder must say what may be run";
            refuse("enabled", "true".to_owned(), rule);
        }
        faults
    }
}

/// Whether a path is absolute and has no `..`.
pub(super) fn is_plain(path: &Path) -> bool {
    path.is_absolute()
        && !path
            .components()
            .any(|component| component == std::path::Component::ParentDir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(change: impl FnOnce(&mut ProcessConfig)) -> String {
        let mut config = ProcessConfig::default();
        change(&mut config);
        config
            .validated()
            .map_or_else(|error| error.to_string(), |_| "allowed".to_owned())
    }

    #[test]
    fn every_fault_is_told_and_not_the_first_alone() {
        let config = ProcessConfig {
            enabled: true,
            path: "bin".to_owned(),
            max_output_bytes: 0,
            ..ProcessConfig::default()
        };
        let fields: Vec<&str> = config.faults().iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["path", "max_output_bytes", "enabled"]);
        assert_eq!(config.validated().unwrap_err().field, "path");
    }

    #[test]
    fn the_defaults_are_allowed_and_run_nothing() {
        assert!(!ProcessConfig::default().validated().unwrap().enabled);
    }

    #[test]
    fn every_field_is_checked_and_named_with_its_rule() {
        let commands = |text: &str| {
            let text = text.to_owned();
            told(move |config| config.allowed_commands.push(text))
        };
        assert_eq!(commands("/usr/bin/rsync"), "allowed");
        assert_eq!(commands("rsync"), "allowed");
        for command in ["", "..", "bin/rsync", "./rsync", "/usr/../bin/sh"] {
            assert_eq!(
                commands(command),
                format!(
                    "process.allowed_commands is \"{command}\": absolute paths and bare names are allowed"
                )
            );
        }
        assert_eq!(
            told(|config| config.path = "/bin:.".to_owned()),
            "process.path is \"/bin:.\": absolute paths of folders, separated by colons, are allowed"
        );
        assert_eq!(
            told(|config| config.folder = Some("scripts".into())),
            "process.folder is \"scripts\": an absolute path of a folder is allowed"
        );
        assert_eq!(
            told(|config| config.working_folders.push("/srv/..".into())),
            "process.working_folders is \"/srv/..\": an absolute path of a folder is allowed"
        );
        assert_eq!(told(|config| config.stop_grace_seconds = 300), "allowed");
        assert_eq!(
            told(|config| config.stop_grace_seconds = 301),
            "process.stop_grace_seconds is 301: 0 to 300 seconds are allowed"
        );
        assert_eq!(
            told(|config| config.max_output_bytes = 0),
            "process.max_output_bytes is 0: 1 to 67108864 bytes are allowed"
        );
        assert_eq!(
            told(|config| config.enabled = true),
            "process.enabled is true: then process.allowed_commands or process.folder must say what may be run"
        );
    }
}
