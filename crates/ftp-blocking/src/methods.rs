//! The methods of the client that stand in lists, which all drivers share

use std::io::{Read, Write};

use ftp_session::Error;

use crate::client::Client;
use crate::listing::{Entries, Listing, OwnedEntries, OwnedListing};
use crate::streams::CopyOptions;
use crate::transfer::{Download, OwnedDownload, OwnedUpload, Upload};

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
            pub fn $name(&mut self, $($argument: $type),*) -> Result<$output, Error> {
                let op = self.session.begin().$name($($argument),*);
                self.session.run(op)
            }
        )*}
    )*};
}

ftp_proto::requests!(methods);

ftp_session::client_methods! {
    Client, [], [];
    [Read + ?Sized], [Write + ?Sized], [CopyOptions::new()];
    Download<'_>, OwnedDownload;
    Upload<'_>, OwnedUpload;
    Listing<'_>, OwnedListing;
    Entries<'_>, OwnedEntries;
}

ftp_session::known!(Client, session.inner);
