//! The questions of [`Error`](crate::Error), for the errors that contain one

/// Gives a type the questions of the [`Error`](crate::Error) in it
macro_rules! questions {
    (impl $({$generic:ident})? $type:ty, |$this:ident| $error:expr) => {
        /// The questions of [`Error`](crate::Error), about the error in it
        impl$(<$generic>)? $type {
            fn asked(&self) -> &$crate::Error {
                let $this = self;
                $error
            }

            /// The server's reply that caused the error, if one did
            #[must_use]
            pub fn reply(&self) -> Option<&$crate::ftp_proto::Reply> {
                self.asked().reply()
            }

            /// Whether the same request may succeed later, on this session or a new one
            #[must_use]
            pub fn is_transient(&self) -> bool {
                self.asked().is_transient()
            }

            /// Whether the server says that the file or directory does not exist
            #[must_use]
            pub fn is_missing(&self) -> bool {
                self.asked().is_missing()
            }

            /// Whether the server or a proxy requires other credentials, or an account
            #[must_use]
            pub fn is_auth(&self) -> bool {
                self.asked().is_auth()
            }

            /// Whether a deadline passed
            #[must_use]
            pub fn is_timeout(&self) -> bool {
                self.asked().is_timeout()
            }

            /// Whether this side cancelled the session
            #[must_use]
            pub fn is_cancelled(&self) -> bool {
                self.asked().is_cancelled()
            }

            /// Whether the session is over
            #[must_use]
            pub fn is_fatal(&self) -> bool {
                self.asked().is_fatal()
            }
        }
    };
}

pub(crate) use questions;

#[cfg(test)]
mod tests {
    use ftp_proto::{CopySide, Error as FtpError, Reply, ReplyConfig, ReplyParser};

    use crate::procedure::WalkError;
    use crate::{CopyError, Error, OwnedError};

    fn reply(line: &str) -> Reply {
        let line = format!("{line}\r\n");
        let parsed = ReplyParser::new(ReplyConfig::default()).parse(line.as_bytes());
        parsed.expect("a reply").1.expect("a whole one")
    }

    /// The answers in the order of the alphabet, and the code of the reply
    macro_rules! answers {
        ($error:expr) => {{
            let error = &$error;
            (
                [
                    error.is_auth(),
                    error.is_cancelled(),
                    error.is_fatal(),
                    error.is_missing(),
                    error.is_timeout(),
                    error.is_transient(),
                ],
                error.reply().map(|reply| reply.code().get()),
            )
        }};
    }

    #[test]
    fn errors_answer_as_the_one_in_them() {
        let errors: [fn() -> Error; 5] = [
            || FtpError::Permanent(reply("530 Login incorrect")).into(),
            || FtpError::Permanent(reply("550 f: No such file")).into(),
            || FtpError::Transient(reply("450 busy")).into(),
            || Error::Deadline { limit: std::time::Duration::from_secs(1) },
            || Error::Cancelled,
        ];
        // Each question has both answers.
        let yes = errors.map(|error| answers!(error()).0);
        for question in 0..6 {
            assert!(yes.iter().any(|answers| answers[question]), "{yes:?}");
            assert!(yes.iter().any(|answers| !answers[question]), "{yes:?}");
        }
        for error in errors {
            let expected = answers!(error());
            assert_eq!(answers!(CopyError::new(CopySide::Source, error())), expected);
            assert_eq!(answers!(WalkError { path: b"d".to_vec(), error: error() }), expected);
            assert_eq!(answers!(OwnedError::<()>::from(error())), expected);
        }
    }
}
