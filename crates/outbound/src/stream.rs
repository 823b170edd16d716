use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use hyper::Response;
use hyper::body::{Body as _, Bytes, Incoming};

use crate::OutboundError;

/// An answer that is read as it comes: a stream of the pieces of its body. Who drops it closes the connection.
#[derive(Debug)]
pub struct OutboundStream {
    /// Its status.
    pub status: u16,
    host: String,
    body: Incoming,
}

impl OutboundStream {
    pub(crate) fn new(host: String, response: Response<Incoming>) -> Self {
        Self {
            status: response.status().as_u16(),
            host,
            body: response.into_body(),
        }
    }
}

impl Stream for OutboundStream {
    type Item = Result<Bytes, OutboundError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    let host = self.host.clone();
                    let source = error.into();
                    return Poll::Ready(Some(Err(OutboundError::Interrupted { host, source })));
                }
            };
            // What is no data are trailers, of which nobody here asks for any.
            if let Ok(data) = frame.into_data() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }
}
