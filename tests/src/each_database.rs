use std::path::Path;

use ratchet_storage::test_support::TestDatabase;

/// Does the same in a folder whose database is the file there, and in one whose settings name a database on PostgreSQL, if
/// `RATCHET_TEST_POSTGRES_URL` names a server. Commands and servers that are started in it need no flag.
///
/// # Panics
/// When a folder or database cannot be made, or `CI=true` and the variable is missing.
pub fn on_each_database(test: impl Fn(&Path)) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    test(folder.path());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let Some(database) = runtime.block_on(TestDatabase::postgres()) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let settings = format!("[database]\nurl = \"{}\"\n", database.url());
    std::fs::write(folder.path().join("ratchet.toml"), settings).expect("the settings can be written");
    eprintln!("on PostgreSQL:");
    test(folder.path());
}
