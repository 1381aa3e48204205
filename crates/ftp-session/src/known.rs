//! What a session knows without asking the server, written once for all shells

/// Writes the methods of a shell's client that return what its session knows
///
/// `ftp_session::known!(Client, client => client.session.inner)`: the type, and the expression for its session.
#[doc(hidden)]
#[macro_export]
macro_rules! known {
    ($client:ident, $this:ident => $session:expr) => {
        /// What is known of the session and the server
        impl $client {
            /// The server's greeting; `None` before it has arrived
            #[must_use]
            #[doc(alias = "getwelcome")]
            pub fn welcome(&self) -> Option<&$crate::ftp_proto::Reply> {
                let $this = self;
                $session.greeting()
            }

            /// The last reply of the server; `None` before the first
            #[must_use]
            #[doc(alias = "lastresp")]
            pub fn last_reply(&self) -> Option<&$crate::ftp_proto::Reply> {
                let $this = self;
                $session.client().last_reply()
            }

            /// The settings
            #[must_use]
            pub fn config(&self) -> &$crate::Config {
                let $this = self;
                $session.client().config()
            }

            /// The features that FEAT has listed, if it was sent since the login
            #[must_use]
            pub fn features(&self) -> Option<&$crate::ftp_proto::Features> {
                let $this = self;
                $session.client().features()
            }

            /// Whether the control connection uses TLS
            #[must_use]
            pub fn is_secure(&self) -> bool {
                let $this = self;
                $session.client().is_secure()
            }

            /// Protection of data connections
            #[must_use]
            pub fn protection(&self) -> $crate::ftp_proto::Protection {
                let $this = self;
                $session.client().protection()
            }

            /// Whether the server failed to handle EPSV during a transfer (`Config::prefetch`), so that this session no
            /// longer sends it
            #[must_use]
            pub fn prefetch_failed(&self) -> bool {
                let $this = self;
                $session.client().prefetch_failed()
            }

            /// The number of TLS sessions available, and of data connections that have resumed one so far; `None` if
            /// TLS was never used
            #[must_use]
            pub fn tls_stats(&self) -> Option<$crate::ftp_tls::TlsStats> {
                let $this = self;
                $session.tls_stats()
            }

            /// What TLS has negotiated for the control connection, with the server's certificate; `None` in clear text
            #[must_use]
            pub fn tls(&self) -> Option<$crate::TlsInfo<'_>> {
                let $this = self;
                $session.tls()
            }
        }

        impl ::std::fmt::Debug for $client {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let $this = self;
                ::std::fmt::Debug::fmt(&$session, f)
            }
        }
    };
}
