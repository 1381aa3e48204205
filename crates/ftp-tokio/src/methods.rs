//! The methods of the client that stand in lists, which all drivers share

use ftp_session::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::client::Client;
use crate::listing::{Entries, Listing};
use crate::transfer::{Download, Upload};

/// Turns each request of the list into a method that waits for its result
macro_rules! methods {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {$(
        $(#[$group])*
        ///
        /// All of these fail if the server refuses, and if the session ends: see [`Error`].
        #[expect(clippy::missing_errors_doc, reason = "said once for all")]
        impl Client {$(
            $(#[$meta])*
            pub async fn $name(&mut self, $($argument: $type),*) -> Result<$output, Error> {
                let op = self.session.begin().await.$name($($argument),*);
                self.session.run(op).await
            }
        )*}
    )*};
}

ftp_proto::requests!(methods);

ftp_session::client_methods! {
    Client, [async], [.await];
    [AsyncRead + Unpin + ?Sized], [AsyncWrite + Unpin + ?Sized], [|_| ()];
    Download<&mut Self>, Download<Self>;
    Upload<&mut Self>, Upload<Self>;
    Listing<&mut Self>, Listing<Self>;
    Entries<&mut Self>, Entries<Self>;
}

ftp_session::known!(Client, session.inner);
