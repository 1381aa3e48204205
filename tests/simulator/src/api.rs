//! The few places where the simulator depends on the exact names of the client's interface

use ftp_proto::{Action, Client, DataId, Direction, Error, OpId};

/// Aborts the request
pub(super) fn abort(client: &mut Client, op: OpId) {
    client.abort(op);
}

/// Returns the data connection of an upload that is about to begin
pub(super) const fn upload_begins(action: &Action) -> Option<DataId> {
    match action {
        Action::StartTransfer { id, direction: Direction::Upload, .. } => Some(*id),
        _ => None,
    }
}

/// Whether the error reports a failed data connection
pub(super) const fn is_data_connection(error: &Error) -> bool {
    matches!(error, Error::DataConnection { .. })
}
