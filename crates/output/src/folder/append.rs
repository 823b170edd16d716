use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};

use cap_std::fs::OpenOptions;
use ratchet_interfaces::Compression;

use super::{Permissions, Target};
use crate::compression::compress;

/// Adds a text to the end of a file, which is made if it is not there, and says how many bytes it came to. What is
/// compressed becomes one more member of the file, or frame: they are decompressed as one.
///
/// While it writes it holds the file's lock, so that what is added together stays together, and what could only be
/// written in part is taken back.
pub(super) fn append(
    target: &Target,
    mut text: Vec<u8>,
    header: usize,
    compression: Option<Compression>,
    permissions: Option<Permissions>,
) -> io::Result<usize> {
    let (mut file, is_new) = open(target)?;
    if is_new && let Some(permissions) = permissions {
        permissions.give(&file)?;
    }
    file.lock()?;
    let before = file.metadata()?.len();
    if before > 0 && compression.is_none() {
        if header > 0 {
            has_header(&mut file, &text[..header])?;
            text.drain(..header);
        }
        // A process that died, or another program, may have left half a line.
        if last_byte(&mut file, before)? != Some(b'\n') {
            text.insert(0, b'\n');
        }
    }
    let bytes = compress(text, compression)?;
    if let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_all()) {
        file.set_len(before).map_err(|second| {
            io::Error::other(format!(
                "{error}; and what was written of it cannot be taken back: {second}"
            ))
        })?;
        return Err(error);
    }
    if is_new {
        target.sync_folder()?;
    }
    Ok(bytes.len())
}

/// Opens a file to add to it, and says whether it was made.
fn open(target: &Target) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt as _;
        // A pipe without a reader must not be waited for.
        options.custom_flags(NONBLOCK);
    }
    let made = target
        .folder
        .open_with(&target.name, options.clone().create_new(true));
    let (file, is_new) = match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            (target.folder.open_with(&target.name, &options)?, false)
        }
        made => (made?, true),
    };
    let file = file.into_std();
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is there, and no ordinary file",
        ));
    }
    Ok((file, is_new))
}

#[cfg(unix)]
const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// A file that rows are added to has one header, and all its rows are of its columns.
fn has_header(file: &mut File, header: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut begin = Vec::with_capacity(header.len());
    Read::take(&mut *file, header.len() as u64).read_to_end(&mut begin)?;
    if begin == header {
        return Ok(());
    }
    let shown = String::from_utf8_lossy(header);
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the file has other columns than {}", shown.trim_end()),
    ))
}

fn last_byte(file: &mut File, length: u64) -> io::Result<Option<u8>> {
    file.seek(SeekFrom::Start(length - 1))?;
    let mut byte = [0];
    Ok((file.read(&mut byte)? == 1).then_some(byte[0]))
}
