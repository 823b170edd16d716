use crate::origin::Origin;

/// Who may ask, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// Whether requests are done without a token while there is none. Only a server that this machine alone can reach may
    /// do that.
    pub open_without_tokens: bool,
    /// The pages of elsewhere that may send requests.
    pub cors_origins: Vec<Origin>,
    /// How many requests a client may send in a second, on the average over two; 0 is no limit.
    pub requests_per_second: u32,
    /// For how many days the audit log is kept; 0 is for ever.
    pub audit_retention_days: u32,
}

impl Default for ApiConfig {
    /// For a server on loopback.
    fn default() -> Self {
        Self {
            open_without_tokens: true,
            cors_origins: Vec::new(),
            requests_per_second: 0,
            audit_retention_days: 365,
        }
    }
}
