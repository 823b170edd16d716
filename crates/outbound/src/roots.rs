use rustls::RootCertStore;

/// The authorities that sign the certificates of servers: those of the machine, which may have its own; where it has
/// none, as in an empty container, those that come with this binary.
pub(crate) fn root_certificates() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!("some of the machine's certificates cannot be read: {error}");
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
