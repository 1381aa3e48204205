//! The operations of a shell's client that are procedures, stated once for all shells
//!
//! `ftp_session::operations!(methods)` passes the list to `methods!`, a macro of the shell that writes the methods of
//! its client, as `ftp_proto::requests!` does for single requests. Each group of the list has the path of the local
//! file, an `Option<&Path>`. An entry has documentation, whose links begin with `Self::` or `ftp_session::`; a
//! signature without `self`; and the expression that creates the [`Procedure`](crate::Procedure).
//! `ftp_session::file_operations!` is the list of the operations with a local file.
//!
//! Operations with options that differ between shells are not in these lists.

#[doc(hidden)]
#[macro_export]
macro_rules! operations {
    ($methods:ident) => {
        $methods! {
            /// Directories with what is in them, and the times of files
            impl (None) {
                /// Makes a directory and any missing parents (MKD); returns how many it made
                ///
                /// Directories that exist already are no error. The working directory is the same afterwards.
                ///
                /// # Errors
                ///
                /// [`NotADirectory`](ftp_session::Error::NotADirectory) if a file is in the way, otherwise the
                /// server's refusal to make the first missing directory.
                fn create_dir_all(path: impl AsRef<[u8]>) -> usize {
                    $crate::Procedure::create_dir_all(path)
                }

                /// Removes a directory and everything in it, stopping at the first item that can't be removed
                ///
                /// # Errors
                ///
                /// As [`Self::remove_dir_all_with`].
                fn remove_dir_all(path: impl AsRef<[u8]>) -> $crate::Removal {
                    $crate::Procedure::remove_dir_all(path, $crate::procedure::RemoveOptions::new())
                }

                /// Removes a directory and everything in it (DELE, RMD)
                ///
                /// Links are removed, not their targets. It succeeds only if the server has confirmed that the
                /// directory itself is gone. The parent is listed first, to see whether the path is a link. If the
                /// listing does not show it, PWD must: in a link, most servers report the target's path.
                ///
                /// # Errors
                ///
                /// [`InvalidRequest`](ftp_session::Error::InvalidRequest) for an empty path, the root, and a path with
                /// `..`, all before anything is sent; [`NotADirectory`](ftp_session::Error::NotADirectory) if the path is
                /// a file or a link; [`MayBeLink`](ftp_session::Error::MayBeLink) if it may be a link;
                /// [`NoDirectory`](ftp_session::ftp_proto::Error::NoDirectory) if it does not exist;
                /// [`NotRemoved`](ftp_session::Error::NotRemoved), which lists what is left, if something could not be
                /// removed.
                fn remove_dir_all_with(
                    path: impl AsRef<[u8]>,
                    options: $crate::procedure::RemoveOptions
                ) -> $crate::Removal {
                    $crate::Procedure::remove_dir_all(path, options)
                }

                /// Sets a file's modification time, UTC, with the first command that the server supports: MFMT, MDTM
                /// with a time, SITE UTIME; returns which it was
                ///
                /// The time has a resolution of one second. Success means that the server has confirmed the time: if
                /// the reply may be about something else, the time is read back first. A server may confirm a time that
                /// its file system can't store: ext4, for example, stores 1901 to 2446, and a time outside of that
                /// becomes the nearest one. The supported commands are determined once per session.
                /// [`timestamp`](ftp_session::timestamp) converts a system time.
                ///
                /// # Errors
                ///
                /// [`TimeNotSet`](ftp_session::Error::TimeNotSet) if no command is known to have set it, otherwise the
                /// server's refusal for this file.
                fn set_modified(
                    path: impl AsRef<[u8]>,
                    time: $crate::ftp_proto::Timestamp
                ) -> $crate::TimeCommand {
                    $crate::Procedure::set_modified(path, time)
                }
            }
        }
    };
}

#[cfg(feature = "files")]
#[doc(hidden)]
#[macro_export]
macro_rules! file_operations {
    ($methods:ident) => {
        $methods! {
            /// Whole local files
            impl (Some(local.as_ref())) {
                /// Downloads into a local file, which is created, or overwritten from the request's offset on
                ///
                /// The local file is not touched before the server has accepted the request. After a failure it holds
                /// the bytes received so far, for [`Self::resume_download`]. If the server chose its name, make the
                /// path with [`local_path`](ftp_session::local_path).
                ///
                /// A server may accept REST and still send the file from its start. That shows only in the bytes, which
                /// [`Self::resume_download`] compares and this does not: after an
                /// [offset](ftp_session::ftp_proto::Get::resume_at) it ends with a success and a wrong local file.
                ///
                /// # Errors
                ///
                /// Why the transfer failed; [`Local`](ftp_session::Error::Local) if the local file failed, if another
                /// program changed its length while it was written, or if it ends before the offset;
                /// [`InvalidRequest`](ftp_session::Error::InvalidRequest) for a text with an
                /// offset, before anything is sent: its line endings are longer on the network, and so the offsets
                /// differ.
                fn download_file(
                    get: impl Into<$crate::ftp_proto::Get>,
                    local: impl AsRef<::std::path::Path>
                ) -> $crate::ftp_proto::Transfer {
                    $crate::Procedure::download_file(get)
                }

                /// Uploads a local file, from the request's offset on
                ///
                /// # Errors
                ///
                /// Why the transfer failed; [`Local`](ftp_session::Error::Local) if the file can't be read, if it ends
                /// before the offset, or if it has become shorter meanwhile. The last of these aborts the transfer,
                /// and the bytes already sent stay on the server, as after every upload that fails.
                /// [`InvalidRequest`](ftp_session::Error::InvalidRequest) for a text with an offset, as in
                /// [`Self::download_file`].
                fn upload_file(
                    put: impl Into<$crate::ftp_proto::Put>,
                    local: impl AsRef<::std::path::Path>
                ) -> $crate::ftp_proto::Transfer {
                    $crate::Procedure::upload_file(put)
                }

                /// Resumes an interrupted download with the default options
                ///
                /// # Errors
                ///
                /// As [`Self::resume_download_with`].
                fn resume_download(
                    remote: impl AsRef<[u8]>,
                    local: impl AsRef<::std::path::Path>
                ) -> $crate::ftp_proto::Transfer {
                    $crate::Procedure::resume_download(remote, $crate::procedure::ResumeOptions::new())
                }

                /// Resumes an interrupted upload with the default options
                ///
                /// # Errors
                ///
                /// As [`Self::resume_upload_with`].
                fn resume_upload(
                    local: impl AsRef<::std::path::Path>,
                    remote: impl AsRef<[u8]>
                ) -> $crate::ftp_proto::Transfer {
                    $crate::Procedure::resume_upload(remote, $crate::procedure::ResumeOptions::new())
                }

                /// Compares a local file with the server's: by size, and by the strongest hash that the server offers
                /// (XSHA256 and similar commands, or HASH)
                ///
                /// Use it on a new connection to find out the outcome of a transfer that ended in
                /// [`Unconfirmed`](ftp_session::ftp_proto::Error::Unconfirmed), or in any other way. The server reads
                /// its whole file to compute a hash, which takes time.
                ///
                /// # Errors
                ///
                /// [`Mismatch`](ftp_session::Error::Mismatch) if they differ; otherwise, why they could not be
                /// compared, for example because the server does not support SIZE.
                fn verify_file(
                    remote: impl AsRef<[u8]>,
                    local: impl AsRef<::std::path::Path>
                ) -> $crate::procedure::Verification {
                    $crate::Procedure::verify_file(remote)
                }
            }
        }
    };
}
