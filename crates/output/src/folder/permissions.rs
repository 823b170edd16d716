use std::fs::File;
use std::io;

/// The permissions of a file, as `chmod` takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permissions(u32);

impl Permissions {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let digits = text
            .strip_prefix('0')
            .filter(|rest| rest.len() == 3)
            .unwrap_or(text);
        let is_octal = digits.len() == 3 && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        match u32::from_str_radix(digits, 8) {
            Ok(mode) if is_octal => Ok(Self(mode)),
            _ => Err(format!(
                "filesystem.permissions is \"{}\": three octal digits are allowed, for example 644",
                text.escape_debug()
            )),
        }
    }

    #[cfg(unix)]
    pub(crate) fn give(self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(self.0))
    }

    #[cfg(not(unix))]
    pub(crate) fn give(self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_three_octal_digits() {
        assert_eq!(Permissions::parse("644"), Ok(Permissions(0o644)));
        assert_eq!(Permissions::parse("0600"), Ok(Permissions(0o600)));
        for wrong in ["", "8", "64", "6444", "4755", "+44", "rw-", "0o644", "00644"] {
            assert!(
                Permissions::parse(wrong)
                    .unwrap_err()
                    .contains("three octal digits"),
                "{wrong}"
            );
        }
    }
}
