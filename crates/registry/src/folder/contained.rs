use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A folder of which only files that lie in it are read, whatever links say.
pub(super) struct Contained {
    folder: PathBuf,
    /// The folder itself, without links.
    real: PathBuf,
}

impl Contained {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            folder: folder.to_owned(),
            real: folder.canonicalize()?,
        })
    }

    /// The text of a file, which may be `most` bytes long; `None` when there is no such file.
    pub(super) fn read(&self, name: &str, most: u64) -> Result<Option<String>, String> {
        let path = self.folder.join(name);
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {
                return Ok(None);
            }
            Err(error) => return Err(format!("cannot be read: {error}")),
        };
        if !real.starts_with(&self.real) {
            return Err(
                "is a symbolic link that leads out of the task's folder: it is not followed".to_owned(),
            );
        }
        // To open a pipe would be to wait for who writes to it.
        let is_file = real.metadata().map(|metadata| metadata.is_file());
        if !is_file.map_err(|error| format!("cannot be read: {error}"))? {
            return Err("is not a file".to_owned());
        }
        let mut bytes = Vec::new();
        File::open(&real)
            .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
            .map_err(|error| format!("cannot be read: {error}"))?;
        if bytes.len() as u64 > most {
            return Err(format!("is too long: at most {most} bytes are allowed"));
        }
        let text = String::from_utf8(bytes).map_err(|error| format!("is not UTF-8: {error}"))?;
        Ok(Some(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        }))
    }

    /// The names of the files in a folder below that end so, in their order; none when there is no such folder.
    pub(super) fn list(&self, below: &str, ending: &str) -> io::Result<Vec<String>> {
        let entries = match self.folder.join(below).read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(ending) && !name.starts_with('.') {
                names.push(format!("{below}/{name}"));
            }
        }
        names.sort();
        Ok(names)
    }
}
