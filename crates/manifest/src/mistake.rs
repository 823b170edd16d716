use std::fmt;

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: String,
    /// The schedule in it.
    pub schedule: Option<String>,
    /// The field of that, as in `outputs[0].webhook.url`.
    pub field: Option<String>,
    /// What is wrong, and what is allowed.
    pub rule: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            schedule,
            field,
            rule,
        } = self;
        write!(f, "{file}: ")?;
        if let Some(schedule) = schedule {
            write!(f, "schedule \"{schedule}\": ")?;
        }
        if let Some(field) = field {
            write!(f, "{field}: ")?;
        }
        f.write_str(rule)
    }
}
