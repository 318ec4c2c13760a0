//! What a retry takes up: the newest run of the workspace, if it did not come to a good end.

use super::BuildRequest;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;

/// The request that takes up the newest run; `None` if it was published, or nothing ran yet.
pub async fn rest(warehouse: &Warehouse) -> Result<Option<BuildRequest>> {
    let Some(last) = warehouse.last_run().await? else { return Ok(None) };
    if matches!(last.state.as_str(), "published" | "built") {
        return Ok(None);
    }
    let request = last.request.as_deref().and_then(|text| BuildRequest::again(last.run_id, text));
    request.map(Some).ok_or_else(|| {
        Error::failed(format!("run {} cannot be taken up: the ledger does not say what was asked for", last.run_id))
            .hint("run its command again: quintile build")
    })
}
