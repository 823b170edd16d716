use crate::name::named_enum;

named_enum! {
    /// Something that is true of the whole database.
    pub enum Fact: "fact" {
        /// The version of the time-zone data with which the next runs were computed.
        ZoneData = "zone_data",
        /// Since when it is that version, in RFC 3339.
        ZoneDataSince = "zone_data_since",
        /// The ledger is complete from this instant on, in RFC 3339: what it had of before may have been pruned.
        LedgerFrom = "ledger_from",
        /// The jobs are complete that ended at this instant or later, in RFC 3339: what ended before may have been pruned.
        JobsFrom = "jobs_from",
        /// Where the server that was started last listens; whether it still runs, the lock of the database says.
        ServerAddress = "server_address",
        /// The id by which that server is known again at its address: its `GET /live` tells it.
        ServerInstance = "server_instance",
    }
}
