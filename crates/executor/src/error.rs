use ratchet_interfaces::RepositoryError;

/// The executor cannot be set up or started.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// A value of the configuration is out of range.
    #[error("executor.{field} is {value}: {min} to {max} is allowed")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// The smallest value allowed.
        min: u64,
        /// The largest value allowed.
        max: u64,
    },
    /// Two runtimes claim one name, so that a task's runtime would be a matter of luck.
    #[error("two task runtimes are named \"{name}\"")]
    DuplicateRuntime {
        /// The name.
        name: String,
    },
    /// The jobs of a process that died could not be put back into the queue.
    #[error("the jobs of a process that died could not be recovered")]
    RecoverOrphans {
        /// Why.
        #[source]
        source: RepositoryError,
    },
}

/// A value that is within its range, or the error that names field and range.
pub(crate) fn within(field: &'static str, value: u64, min: u64, max: u64) -> Result<u64, ExecutorError> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(ExecutorError::OutOfRange {
            field,
            value,
            min,
            max,
        })
    }
}
