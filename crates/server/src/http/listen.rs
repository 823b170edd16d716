use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tower_service::Service;

/// How long a client may take for the head of a request, and be idle before it. One that sends a byte now and then must not
/// hold a connection for ever.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);

/// Serves every connection until it is told to stop, and then those that there are until their requests are answered.
pub(crate) async fn listen(mut listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %peer, "a connection sends its answers late");
        }
        let connection = connections.watch(connection(stream, peer, router.clone()));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "a connection ended before its time");
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// A connection whose requests have the address of whoever sends them.
fn connection<I>(io: I, peer: SocketAddr, router: Router) -> impl GracefulConnection<Error = hyper::Error>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready.
        router.clone().call(request)
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(io), service)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn peer(ConnectInfo(peer): ConnectInfo<SocketAddr>) -> String {
        peer.to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_end_the_head_of_its_request_is_left() {
        let (mut client, server) = tokio::io::duplex(1_000);
        let address = SocketAddr::from(([10, 0, 0, 1], 7));
        let router = Router::new().route("/", get(peer));
        let served = tokio::spawn(async move { connection(server, address, router).await });

        let head = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        client.write_all(head).await.unwrap();
        let mut answer = vec![0; 1_000];
        let length = client.read(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(
            text.starts_with("HTTP/1.1 200") && text.ends_with("10.0.0.1:7"),
            "{text}"
        );

        // The clock stands still but for what is waited for, so that this lasts as long as it must.
        let begin = tokio::time::Instant::now();
        client.write_all(&head[..10]).await.unwrap();
        while client.read(&mut answer).await.unwrap() > 0 {}
        assert!(served.await.unwrap().is_err());
        assert!((HEAD_PATIENCE..HEAD_PATIENCE * 2).contains(&begin.elapsed()));
    }
}
