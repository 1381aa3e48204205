//! Writes objects: under a temporary name first, and renamed when complete

use std::sync::Arc;

use async_trait::async_trait;
use ftp_tokio::{Error as FtpError, Lease, PoolError, Put, Upload};
use object_store::path::Path;
use object_store::{
    Attributes, MultipartUpload, PutMode, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};

use crate::error::{Cause, Subject, is_refusal};
use crate::inner::{CountedUpload, Inner};
use crate::look::Found;
use crate::name;
use crate::place::Source;
use crate::temporary::Temporary;

pub(crate) fn not_implemented(operation: &str) -> object_store::Error {
    object_store::Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: "ftp-object-store".to_owned(),
    }
}

fn no_attributes(attributes: &Attributes) -> Result<()> {
    match attributes.is_empty() {
        true => Ok(()),
        false => Err(not_implemented("attributes: FTP servers keep none")),
    }
}

impl Inner {
    pub(crate) async fn put(
        self: &Arc<Self>,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        no_attributes(&options.attributes)?;
        match options.mode {
            PutMode::Overwrite => {}
            PutMode::Create => self.check_absent("write", location).await?,
            PutMode::Update(_) => {
                return Err(not_implemented(
                    "put with PutMode::Update: FTP can't compare and swap",
                ));
            }
        }
        self.write(location, &payload).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    pub(crate) async fn write(
        self: &Arc<Self>,
        location: &Path,
        payload: &PutPayload,
    ) -> Result<()> {
        let subject = self.subject("write", location);
        let target = self.target(location, subject)?;
        let temporary = Temporary::new(self, &target);
        let upload = self.begin(&temporary, subject).await?;
        let upload = write_part(upload, payload, subject).await?;
        let size = payload.content_length() as u64;
        self.complete(upload, size, temporary, &target, subject).await
    }

    /// The path on the server of an object to be written
    pub(crate) fn target(&self, location: &Path, subject: Subject<'_>) -> Result<Vec<u8>> {
        let target = self.remote(location);
        if location.is_root() {
            return Err(subject.generic("an object needs a name"));
        }
        // Listings leave out directories with such names as well.
        if location.parts().any(|part| name::is_reserved(part.as_ref().as_bytes())) {
            return Err(subject.generic("names of this form are reserved for incomplete uploads"));
        }
        Ok(target)
    }

    /// Fails if the object exists, as far as that can be determined
    pub(crate) async fn check_absent(&self, action: &'static str, location: &Path) -> Result<()> {
        let subject = self.subject(action, location);
        if !self.settings.weak_create {
            return Err(not_implemented(
                "creating only what does not exist: FTP can't do it in one step (see FtpStoreBuilder::weak_create)",
            ));
        }
        match self.look_up(&self.remote(location)).await.map_err(|error| subject.error(error))? {
            Found::File(_) => Err(subject.exists("a file of this name exists")),
            Found::Missing(_) => Ok(()),
            Found::Refused(error) => Err(subject.error(error)),
            Found::Closed(error) => Err(subject.denied(error)),
        }
    }

    /// Begins the upload, and makes the directories that it needs
    async fn begin(&self, temporary: &Temporary, subject: Subject<'_>) -> Result<Upload<Lease>> {
        let path = temporary.path();
        let begin = |ftp: Lease| ftp.into_put(Put::new(path));
        let refusal = match self.pool.run(&self.site, begin).await {
            Err(PoolError::Session(error)) if is_refusal(&error) => error,
            result => return result.map_err(|error| subject.error(error)),
        };
        let (directory, _) = name::split(path);
        if directory.is_empty() {
            return Err(subject.refused_temporary(refusal, path));
        }
        let create = |mut ftp: Lease| async move { ftp.create_dir_all(directory).await };
        // Retry even if nothing was made here: another task may have just made it.
        self.pool.run(&self.site, create).await.map_err(|error| match error {
            PoolError::Session(error) => subject.refused(error),
            error => subject.error(error),
        })?;
        self.pool.run(&self.site, begin).await.map_err(|error| match error {
            PoolError::Session(error) => subject.refused_temporary(error, path),
            error => subject.error(error),
        })
    }

    /// Ends the upload and renames the file to its final name
    async fn complete(
        self: &Arc<Self>,
        upload: Upload<Lease>,
        size: u64,
        mut temporary: Temporary,
        target: &[u8],
        subject: Subject<'_>,
    ) -> Result<()> {
        let (transfer, ftp) = upload.finish().await.map_err(|error| subject.refused(error))?;
        temporary.confirm(transfer.reply);
        self.place_whole(ftp, size, temporary, target, subject).await
    }

    /// Renames a new file to its final name if it has this size
    pub(crate) async fn place_whole(
        self: &Arc<Self>,
        mut ftp: Lease,
        size: u64,
        temporary: Temporary,
        target: &[u8],
        subject: Subject<'_>,
    ) -> Result<()> {
        // In clear text the server takes a broken connection for the end of an upload, and the disk may be full when it
        // copies a file.
        match ftp.size(temporary.path()).await {
            Ok(there) if there != size => {
                let cause = format!("the server has {there} of {size} bytes");
                return Err(subject.generic(cause));
            }
            Ok(_) => {}
            Err(error) if is_refusal(&error) => {}
            Err(error) => return Err(subject.error(error)),
        }
        self.place(ftp, Source::Temporary(temporary), target, subject).await
    }

    pub(crate) fn multipart(
        self: &Arc<Self>,
        location: &Path,
        attributes: &Attributes,
    ) -> Result<Box<dyn MultipartUpload>> {
        no_attributes(attributes)?;
        let target = self.target(location, self.subject("write", location))?;
        let (orders, queue) = mpsc::unbounded_channel();
        let (inner, location) = (Arc::clone(self), location.clone());
        tokio::spawn(async move { Writer { inner, location, target }.run(queue).await });
        Ok(Box::new(Parts { orders }))
    }
}

type Answer<T> = oneshot::Sender<Result<T>>;

enum Order {
    Part(PutPayload, Answer<()>),
    Complete(Answer<()>),
    Abort(Answer<()>),
}

/// Writes parts in order into one upload, whatever the order in which their results are awaited
struct Writer {
    inner: Arc<Inner>,
    location: Path,
    target: Vec<u8>,
}

impl Writer {
    async fn run(self, mut queue: mpsc::UnboundedReceiver<Order>) {
        let subject = self.inner.subject("write", &self.location);
        let mut temporary = Some(Temporary::new(&self.inner, &self.target));
        let mut begun: Option<(Upload<Lease>, u64, CountedUpload)> = None;
        let mut failed: Option<String> = None;
        // Sending an answer fails only if no task waits for it.
        while let Some(order) = queue.recv().await {
            if let Some(text) = &failed {
                let failure = || Err(subject.generic(Cause::Text(text.clone())));
                match order {
                    Order::Part(_, answer) | Order::Complete(answer) => {
                        let _ = answer.send(failure());
                        continue;
                    }
                    Order::Abort(answer) => {
                        if let Some(file) = temporary.take() {
                            self.delete(file).await;
                        }
                        let _ = answer.send(Ok(()));
                        return;
                    }
                }
            }
            // It is there until a failure is noted.
            let Some(file) = temporary.take() else { return };
            let (upload, size, counted) = match (begun.take(), &order) {
                (Some(begun), _) => begun,
                (None, Order::Abort(_)) => {
                    // Nothing has been uploaded yet.
                    let mut file = file;
                    file.keep();
                    if let Order::Abort(answer) = order {
                        let _ = answer.send(Ok(()));
                    }
                    return;
                }
                (None, _) => match self.inner.begin(&file, subject).await {
                    Ok(upload) => (upload, 0, CountedUpload::new(&self.inner)),
                    Err(error) => {
                        temporary = Some(file);
                        failed = Some(format!("the upload failed earlier: {error}"));
                        let (Order::Part(_, answer)
                        | Order::Complete(answer)
                        | Order::Abort(answer)) = order;
                        let _ = answer.send(Err(error));
                        continue;
                    }
                },
            };
            match order {
                Order::Part(payload, answer) => {
                    temporary = Some(file);
                    let written = write_part(upload, &payload, subject).await;
                    let _ = answer.send(match written {
                        Ok(upload) => {
                            begun = Some((upload, size + payload.content_length() as u64, counted));
                            Ok(())
                        }
                        Err(error) => {
                            failed = Some(format!("the upload failed earlier: {error}"));
                            Err(error)
                        }
                    });
                }
                Order::Complete(answer) => {
                    let complete = self.inner.complete(upload, size, file, &self.target, subject);
                    let result = complete.await;
                    let text = result.as_ref().err().map(ToString::to_string);
                    let _ = answer.send(result);
                    match text {
                        None => return,
                        Some(text) => failed = Some(format!("the upload failed earlier: {text}")),
                    }
                }
                Order::Abort(answer) => {
                    self.abort(upload, file).await;
                    let _ = answer.send(Ok(()));
                    return;
                }
            }
        }
        // The handle was dropped before completion: the upload is aborted, and the file deleted.
    }

    async fn abort(&self, upload: Upload<Lease>, file: Temporary) {
        // If the abort fails, the file is deleted in the background.
        if let Ok((_, mut ftp)) = upload.abort().await {
            file.delete(&mut ftp).await;
        }
    }

    /// Deletes the file of a failed upload, now or in the background
    async fn delete(&self, file: Temporary) {
        if let Ok(mut ftp) = self.inner.pool.lease(&self.inner.site).await {
            file.delete(&mut ftp).await;
        }
    }
}

async fn write_part(
    mut upload: Upload<Lease>,
    payload: &PutPayload,
    subject: Subject<'_>,
) -> Result<Upload<Lease>> {
    for chunk in payload {
        if let Err(error) = upload.write_all(chunk).await {
            return Err(match FtpError::in_io(&error) {
                Some(error) => subject.error(error.duplicate()),
                // The server does not want the rest, and says why.
                None => match upload.finish().await {
                    Err(error) => subject.refused(error),
                    Ok(_) => subject.generic("the server ended the upload before its data"),
                },
            });
        }
    }
    Ok(upload)
}

/// The caller's side of a [`Writer`]
#[derive(Debug)]
struct Parts {
    orders: mpsc::UnboundedSender<Order>,
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Part(..) => "Part",
            Self::Complete(_) => "Complete",
            Self::Abort(_) => "Abort",
        })
    }
}

impl Parts {
    fn order(
        &self,
        order: impl FnOnce(Answer<()>) -> Order,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let (answer, answered) = oneshot::channel();
        let sent = self.orders.send(order(answer)).is_ok();
        async move {
            match answered.await {
                Ok(result) if sent => result,
                _ => Err(object_store::Error::Generic {
                    store: crate::error::STORE,
                    source: "the upload has ended".into(),
                }),
            }
        }
    }
}

#[async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        Box::pin(self.order(|answer| Order::Part(data, answer)))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.order(Order::Complete).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        self.order(Order::Abort).await
    }
}
