use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// A way to a server that can be cut on this side only: the server goes on to believe in its connections.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    ways: Ways,
}

/// Each connection's task, and a handle of its far side that keeps that open.
type Ways = Arc<Mutex<Vec<(AbortHandle, std::net::TcpStream)>>>;

impl Proxy {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ways = Ways::default();
        let opened = Arc::clone(&ways);
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(&server).await.unwrap().into_std().unwrap();
                let kept = far.try_clone().unwrap();
                let mut far = TcpStream::from_std(far).unwrap();
                let way =
                    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
                opened.lock().unwrap().push((way.abort_handle(), kept));
            }
        });
        Self { address, ways }
    }

    pub(crate) fn cut(&self) {
        for (way, _) in &*self.ways.lock().unwrap() {
            way.abort();
        }
    }
}
