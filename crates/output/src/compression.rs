use std::io::{self, Write};

use flate2::GzBuilder;
use ratchet_interfaces::Compression;

/// The bytes, compressed. The same bytes give the same: no time and no name goes into them.
pub(crate) fn compress(bytes: Vec<u8>, compression: Option<Compression>) -> io::Result<Vec<u8>> {
    match compression {
        None => Ok(bytes),
        Some(Compression::Gzip) => {
            let mut encoder = GzBuilder::new().write(Vec::new(), flate2::Compression::default());
            encoder.write_all(&bytes)?;
            encoder.finish()
        }
        Some(Compression::Zstd) => {
            let mut encoder = zstd::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
            encoder.include_checksum(true)?;
            encoder.write_all(&bytes)?;
            encoder.finish()
        }
    }
}
