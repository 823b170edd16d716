/// How a field is compared with the value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Is,
    Like,
    Not,
    OneOf,
    AtLeast,
    AtMost,
}

impl Comparison {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 6] = [
        Self::Is,
        Self::Like,
        Self::Not,
        Self::OneOf,
        Self::AtLeast,
        Self::AtMost,
    ];

    /// What follows the field's name.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Is => "",
            Self::Like => "_like",
            Self::Not => "_ne",
            Self::OneOf => "_in",
            Self::AtLeast => "_gte",
            Self::AtMost => "_lte",
        }
    }

    /// Which rows it leaves, for the document.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Is => "exactly this",
            Self::Like => "it contains this text, in any case",
            Self::Not => "anything else, or nothing",
            Self::OneOf => "one of these, separated by commas, at most 100",
            Self::AtLeast => "this, or what comes after it",
            Self::AtMost => "this, or what comes before it",
        }
    }
}
