//! The few places where the simulator depends on how the client's interface is spelled

use ftp_proto::{Action, Client, DataId, Direction, Error, OpId};

/// Aborts the request
pub(super) fn abort(client: &mut Client, op: OpId) {
    client.abort(op);
}

/// The data connection of an upload that is to begin
pub(super) const fn upload_begins(action: &Action) -> Option<DataId> {
    match action {
        Action::StartTransfer { id, direction: Direction::Upload, .. } => Some(*id),
        _ => None,
    }
}

/// Whether the error says that the data connection failed
pub(super) const fn is_data_connection(error: &Error) -> bool {
    matches!(error, Error::DataConnection { .. })
}
