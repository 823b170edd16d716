/// What JavaScript tasks may use, unless they say less themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JavaScriptConfig {
    /// How much memory a run may use, in MiB, if its task does not say.
    pub memory_limit_mb: u32,
    /// How large a result may be as JSON, in MiB.
    pub max_output_mb: u32,
}

impl Default for JavaScriptConfig {
    fn default() -> Self {
        Self {
            memory_limit_mb: 128,
            max_output_mb: 16,
        }
    }
}

/// A value that is out of range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}: {rule}")]
pub struct JavaScriptConfigError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is allowed.
    pub rule: String,
}

impl JavaScriptConfig {
    const MEBIBYTE: usize = 1024 * 1024;
    /// How much memory may be allowed.
    pub const MEMORY_MB: std::ops::RangeInclusive<u32> = 1..=4096;
    /// How large a result may be allowed to be.
    pub const OUTPUT_MB: std::ops::RangeInclusive<u32> = 1..=1024;

    /// The same, if every value is in range.
    ///
    /// # Errors
    /// [`JavaScriptConfigError`] names the first field that is not.
    pub fn validated(self) -> Result<Self, JavaScriptConfigError> {
        let ranges = [
            ("memory_limit_mb", self.memory_limit_mb, Self::MEMORY_MB),
            ("max_output_mb", self.max_output_mb, Self::OUTPUT_MB),
        ];
        for (field, value, range) in ranges {
            if !range.contains(&value) {
                return Err(JavaScriptConfigError {
                    field,
                    value: value.to_string(),
                    rule: format!("{} to {} MiB are allowed", range.start(), range.end()),
                });
            }
        }
        Ok(self)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.memory_limit_mb as usize * Self::MEBIBYTE
    }

    pub(super) fn max_output_bytes(&self) -> usize {
        self.max_output_mb as usize * Self::MEBIBYTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_named_with_its_field_and_what_is_allowed() {
        assert!(JavaScriptConfig::default().validated().is_ok());
        let config = JavaScriptConfig {
            memory_limit_mb: 0,
            ..JavaScriptConfig::default()
        };
        assert_eq!(
            config.validated().unwrap_err().to_string(),
            "memory_limit_mb is 0: 1 to 4096 MiB are allowed"
        );
        let config = JavaScriptConfig {
            max_output_mb: 1025,
            ..JavaScriptConfig::default()
        };
        assert_eq!(
            config.validated().unwrap_err().to_string(),
            "max_output_mb is 1025: 1 to 1024 MiB are allowed"
        );
    }
}
