//! What a session knows without asking the server, written once for all shells

/// Writes the methods of a shell's client that return what its session knows
///
/// `ftp_session::known!(Client, session.inner)`: the type, and the field that is its session.
#[doc(hidden)]
#[macro_export]
macro_rules! known {
    ($client:ident, $($field:ident).+) => {
        /// What is known of the session and the server
        impl $client {
            /// The server's greeting; `None` before it has arrived
            #[must_use]
            #[doc(alias = "getwelcome")]
            pub fn welcome(&self) -> Option<&$crate::ftp_proto::Reply> {
                self.$($field).+.greeting()
            }

            /// The last reply of the server; `None` before the first
            #[must_use]
            #[doc(alias = "lastresp")]
            pub fn last_reply(&self) -> Option<&$crate::ftp_proto::Reply> {
                self.$($field).+.client().last_reply()
            }

            /// The settings
            #[must_use]
            pub fn config(&self) -> &$crate::Config {
                self.$($field).+.client().config()
            }

            /// The features that FEAT has listed, if it was sent since the login
            #[must_use]
            pub fn features(&self) -> Option<&$crate::ftp_proto::Features> {
                self.$($field).+.client().features()
            }

            /// Whether the control connection uses TLS
            #[must_use]
            pub fn is_secure(&self) -> bool {
                self.$($field).+.client().is_secure()
            }

            /// Protection of data connections
            #[must_use]
            pub fn protection(&self) -> $crate::ftp_proto::Protection {
                self.$($field).+.client().protection()
            }

            /// Whether the server failed to handle EPSV during a transfer (`Config::prefetch`), so that this session no
            /// longer sends it
            #[must_use]
            pub fn prefetch_failed(&self) -> bool {
                self.$($field).+.client().prefetch_failed()
            }

            /// The number of TLS sessions available, and of data connections that have resumed one so far; `None` if
            /// TLS was never used
            #[must_use]
            pub fn tls_stats(&self) -> Option<$crate::ftp_tls::TlsStats> {
                self.$($field).+.tls_stats()
            }

            /// What TLS has negotiated for the control connection, with the server's certificate; `None` in clear text
            #[must_use]
            pub fn tls(&self) -> Option<$crate::TlsInfo<'_>> {
                self.$($field).+.tls()
            }
        }

        impl ::std::fmt::Debug for $client {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.$($field).+, f)
            }
        }
    };
}
