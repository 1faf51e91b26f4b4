//! What only the store and the writer know of: the numbers of batches.

use crate::error::Result;
use crate::host::Host;
use crate::store::events::NewEvent;
use crate::store::tasks::NewTask;
use crate::store::turns::Batch;

/// The answer to a commit can be lost with the connection. Then the batch comes again.
#[tokio::test]
async fn a_batch_that_comes_again_is_stored_once() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let host = Host::open(&format!("sqlite:{}", folder.path().join("tasks.sqlite").display())).await?;
    host.create(&NewTask::new("Say hello.", folder.path())).await?;
    let worker = host.register("test").await?;
    let claim = host.claim(&worker).await?.expect("there is a task");
    let batch = |line: &str| Batch { events: vec![NewEvent::stderr(line)], ..Batch::default() };
    for (number, line) in [(1, "one"), (1, "one"), (2, "two"), (2, "two"), (1, "one")] {
        host.append_batch(&claim.lease, &batch(line), Some(number)).await?;
    }
    let lines = async || {
        let page = host.events(claim.task.id, Some("0-0".parse().expect("an id")), 0).await?;
        let lines = page.events.into_iter().filter(|event| event.method == "stderr");
        Ok::<_, crate::error::Error>(lines.map(|event| event.summary).collect::<Vec<_>>())
    };
    assert_eq!(lines().await?, ["one", "two"]);

    // The writer of the next owner counts from 1.
    host.release(&claim.lease).await?;
    let claim = host.claim(&worker).await?.expect("it was given back");
    host.append_batch(&claim.lease, &batch("three"), Some(1)).await?;
    assert_eq!(lines().await?, ["one", "two", "three"]);
    Ok(())
}
