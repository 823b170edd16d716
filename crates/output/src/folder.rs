mod append;
mod permissions;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use ratchet_interfaces::{Delivery, DeliveryError, FilesystemOptions, WriteMode};

use crate::compression::compress;
use crate::content::Content;
use crate::file_path::FilePath;
pub(crate) use permissions::Permissions;

/// The folder below which files are written.
///
/// Every path is opened from the folder, part by part, by the operating system's own rules for a path that must stay
/// beneath another: a symbolic link that leads out leads nowhere, also when it appears while a file is being written. The
/// folder itself may be anywhere, and is made when the first file is written.
#[derive(Clone, Debug)]
pub struct OutputFolder {
    path: PathBuf,
}

impl OutputFolder {
    /// The folder at this path. Nothing is made or opened yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Writes a result to its file, and returns when it is on disk. It says where that is, and how long it is.
    pub(crate) fn write(
        &self,
        delivery: &Delivery,
        options: &FilesystemOptions,
    ) -> Result<String, DeliveryError> {
        let FilesystemOptions {
            path,
            format,
            compression,
            mode,
            permissions,
            include_metadata,
        } = options;
        let wrong = |message: String| DeliveryError::Destination { message };
        let result = &delivery.payload;
        let parts = FilePath::parse(path)
            .and_then(|path| path.render(result))
            .map_err(|error| wrong(error.to_string()))?;
        let permissions = permissions
            .as_deref()
            .map(Permissions::parse)
            .transpose()
            .map_err(wrong)?;
        let template = delivery.destination.template.as_deref();
        let mut content = Content::of(result, template, *format, *include_metadata)
            .map_err(|error| wrong(format!("filesystem: {error}")))?;
        if *mode == WriteMode::Append {
            content.end_line();
        }
        let place = parts.join("/");
        let told = |error| told(&place, error);
        let target = self.target(&parts).map_err(told)?;
        let file = NewFile {
            temporary: format!(".{}.{}.tmp", delivery.id, delivery.attempts),
            permissions,
        };
        let length = match mode {
            WriteMode::Append => {
                let header = content.header;
                append::append(
                    &target,
                    content.text.into_bytes(),
                    header,
                    *compression,
                    permissions,
                )
            }
            WriteMode::Replace => compress(content.text.into_bytes(), *compression)
                .and_then(|bytes| target.replace(&file, &bytes).map(|()| bytes.len())),
            WriteMode::New => compress(content.text.into_bytes(), *compression)
                .and_then(|bytes| target.create(&file, &bytes).map(|()| bytes.len())),
        }
        .map_err(told)?;
        Ok(format!("{place}, {length} bytes"))
    }

    /// Opens the folder of a file, which is made if it is not there.
    fn target(&self, parts: &[String]) -> io::Result<Target> {
        let (name, folders) = parts.split_last().ok_or(io::ErrorKind::InvalidInput)?;
        std::fs::create_dir_all(&self.path)?;
        let root = Dir::open_ambient_dir(&self.path, ambient_authority())?;
        let folder = if folders.is_empty() {
            root
        } else {
            let path: PathBuf = folders.iter().collect();
            match root.open_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    root.create_dir_all(&path)?;
                    // A folder is there after a loss of power only if the folder that it is in is.
                    for ancestor in path.ancestors().skip(1) {
                        let named = !ancestor.as_os_str().is_empty();
                        sync(&root, if named { ancestor } else { Path::new(".") })?;
                    }
                    root.open_dir(&path)?
                }
                opened => opened?,
            }
        };
        Ok(Target {
            folder,
            name: name.clone(),
        })
    }
}

/// Where a file is, or will be.
struct Target {
    folder: Dir,
    name: String,
}

/// How a file comes to be.
struct NewFile {
    /// Under this name it is written. A process that dies leaves it; the same attempt, made again, takes it over.
    temporary: String,
    permissions: Option<Permissions>,
}

impl Target {
    /// Whoever reads sees the old file or the new one.
    fn replace(&self, file: &NewFile, bytes: &[u8]) -> io::Result<()> {
        self.with_temporary(file, bytes, |temporary| {
            self.folder.rename(temporary, &self.folder, &self.name)
        })?;
        self.sync_folder()
    }

    /// A file that is there already stays. If it is just this one, an earlier attempt has written it, and did not come
    /// to say so.
    fn create(&self, file: &NewFile, bytes: &[u8]) -> io::Result<()> {
        let linked = self.with_temporary(file, bytes, |temporary| {
            self.folder.hard_link(temporary, &self.folder, &self.name)?;
            self.folder.remove_file(temporary)
        });
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.holds(bytes)? => {}
            linked => linked?,
        }
        self.sync_folder()
    }

    /// Has a file under its temporary name become one under its own.
    fn with_temporary(
        &self,
        file: &NewFile,
        bytes: &[u8],
        publish: impl FnOnce(&str) -> io::Result<()>,
    ) -> io::Result<()> {
        let temporary = file.temporary.as_str();
        let written = self
            .write_temporary(file, bytes)
            .and_then(|()| publish(temporary));
        let Err(error) = written else {
            return Ok(());
        };
        match self.folder.remove_file(temporary) {
            Err(second) if second.kind() != io::ErrorKind::NotFound => Err(io::Error::other(format!(
                "{error}; and {temporary} is left behind: {second}"
            ))),
            Ok(()) | Err(_) => Err(error),
        }
    }

    fn write_temporary(&self, file: &NewFile, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let open = || self.folder.open_with(&file.temporary, &options);
        let opened = match open() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.folder.remove_file(&file.temporary)?;
                open()
            }
            opened => opened,
        };
        let mut written = opened?.into_std();
        if let Some(permissions) = file.permissions {
            permissions.give(&written)?;
        }
        written.write_all(bytes)?;
        written.sync_all()
    }

    /// Whether the file has just these bytes.
    fn holds(&self, bytes: &[u8]) -> io::Result<bool> {
        let file = self.folder.open(&self.name)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() != bytes.len() as u64 {
            return Ok(false);
        }
        let mut stored = Vec::with_capacity(bytes.len());
        file.take(bytes.len() as u64 + 1).read_to_end(&mut stored)?;
        Ok(stored == bytes)
    }

    fn sync_folder(&self) -> io::Result<()> {
        sync(&self.folder, Path::new("."))
    }
}

/// Has a folder's entries reach the disk.
#[cfg(unix)]
fn sync(root: &Dir, folder: &Path) -> io::Result<()> {
    root.open(folder)?.sync_all()
}

/// Other systems cannot open a folder to this end.
#[cfg(not(unix))]
fn sync(_: &Dir, _: &Path) -> io::Result<()> {
    Ok(())
}

/// What went wrong at a place. Some of it will not pass.
fn told(place: &str, error: io::Error) -> DeliveryError {
    let wrong = |rule: &str| DeliveryError::Destination {
        message: format!("filesystem.path is \"{place}\": {rule}"),
    };
    // What the operating system did not refuse, but the rule that a path stays beneath the folder.
    let leads_out = error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none();
    match error.kind() {
        _ if leads_out => wrong("a symbolic link on the way leads out of the output folder"),
        _ if is_loop(&error) => wrong("a symbolic link on the way leads round in a circle"),
        io::ErrorKind::NotADirectory => wrong("a part of it is a file, and no folder"),
        io::ErrorKind::IsADirectory => wrong("it is a folder, and no file"),
        io::ErrorKind::InvalidFilename => wrong("the file system does not take a name as long as this"),
        io::ErrorKind::AlreadyExists => wrong("the file is there already, with another result"),
        io::ErrorKind::InvalidData => wrong(&error.to_string()),
        _ => DeliveryError::Write {
            destination: place.to_owned(),
            source: error,
        },
    }
}

#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_: &io::Error) -> bool {
    false
}
