//! Makes sure at compile time that futures and guards can move between threads, as multi-threaded runtimes require
//!
//! The requests come from their list; `tests/tests/layout.rs` checks that no other method is left out.

use std::io;

#[cfg(feature = "files")]
use ftp_session::procedure::ResumeOptions;
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, empty, sink,
};

use super::*;

fn is_send<T: Send>(value: T) -> T {
    value
}

#[expect(dead_code, reason = "compiles or does not")]
async fn connecting() -> Result<(), Error> {
    let config = Config::new(TlsPolicy::Plaintext);
    is_send(Client::connect("host", config.clone())).await?;
    let dial = |_| async { Err::<DuplexStream, _>(io::ErrorKind::NotConnected.into()) };
    is_send(Client::connect_with("host", config.clone(), dial)).await?;
    is_send(Client::connect_and_login(("host", 21), config, "user", "password")).await?;
    Ok(())
}

/// An argument that is not text
fn given<T>() -> T {
    unreachable!("this file is compiled, and never runs")
}

/// Calls a request with arguments of its types
macro_rules! call {
    ($ftp:ident.$name:ident [$($done:expr,)*]) => {
        is_send($ftp.$name($($done),*)).await?
    };
    ($ftp:ident.$name:ident [$($done:expr,)*]
        $argument:ident: impl AsRef<[u8]> $(, $($rest:tt)*)?) => {
        call!($ftp.$name [$($done,)* "",] $($($rest)*)?)
    };
    ($ftp:ident.$name:ident [$($done:expr,)*] $argument:ident: $type:ty $(, $($rest:tt)*)?) => {
        call!($ftp.$name [$($done,)* given::<$type>(),] $($($rest)*)?)
    };
}

macro_rules! calls {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($arguments:tt)*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {
        #[expect(dead_code, reason = "compiles or does not")]
        async fn requests(ftp: &mut Client) -> Result<(), Error> {
            $($(call!(ftp.$name [] $($arguments)*);)*)*
            is_send(ftp.secure()).await?;
            is_send(ftp.secure_control()).await?;
            is_send(ftp.quit()).await.map(drop)
        }
    };
}

ftp_proto::requests!(calls);

#[expect(dead_code, reason = "compiles or does not")]
async fn operations(ftp: &mut Client, other: &mut Client, time: Timestamp) -> Result<(), Error> {
    let entry = is_send(ftp.facts("f")).await?;
    is_send(ftp.learn_utc_offset(&entry)).await?;
    is_send(ftp.stat_dir("d")).await?;
    is_send(ftp.names("d")).await?;
    is_send(is_send(ftp.walk("", WalkOptions::new())).next()).await;
    is_send(ftp.create_dir_all("d")).await?;
    is_send(ftp.remove_dir_all("d")).await?;
    is_send(ftp.remove_dir_all_with("d", RemoveOptions::new())).await?;
    is_send(ftp.set_modified("f", time)).await?;
    let copy = copy_between_servers(ftp, "f", other, "f", TransferType::Image);
    is_send(copy).await.ok();
    Ok(())
}

#[expect(dead_code, reason = "compiles or does not")]
async fn transfers(ftp: &mut Client) -> Result<(), Error> {
    let mut download = is_send(is_send(ftp.get("f")).await?);
    is_send(download.read(&mut [0])).await?;
    is_send(download.finish()).await?;
    is_send(ftp.get("f").await?.abort()).await?;
    is_send(ftp.get("f").await?.copy_to(&mut sink(), |_| ())).await?;
    let options = CopyOptions::new();
    is_send(ftp.get("f").await?.copy_to_with(&mut sink(), options, |_| ())).await?;
    let mut upload = is_send(is_send(ftp.put("f")).await?);
    is_send(upload.write(&[0])).await?;
    is_send(upload.flush()).await?;
    is_send(upload.shutdown()).await?;
    is_send(upload.finish()).await?;
    is_send(ftp.put("f").await?.abort()).await?;
    is_send(ftp.put("f").await?.copy_from(&mut empty(), |_| ())).await?;
    is_send(ftp.put("f").await?.copy_from_with(&mut empty(), options, |_| ())).await?;
    let mut listing = is_send(is_send(ftp.list("")).await?);
    is_send(listing.next_line()).await?;
    is_send(listing.read(&mut [0])).await?;
    is_send(listing.finish()).await?;
    is_send(ftp.list("").await?.abort()).await?;
    is_send(ftp.list("").await?.collect_lines()).await?;
    let mut entries = is_send(is_send(ftp.read_dir("")).await?);
    is_send(entries.next()).await;
    is_send(entries.finish()).await?;
    is_send(ftp.read_dir("").await?.abort()).await?;
    is_send(ftp.download_to("f", &mut sink())).await?;
    is_send(ftp.upload_from("f", &mut empty())).await?;
    is_send(ftp.get_lines("f", |_| ())).await?;
    is_send(ftp.put_lines("f", ["line"])).await?;
    is_send(ftp.try_put_lines("f", [Ok("line")])).await?;
    let mut lines = BufReader::new(is_send(ftp.list("")).await?).lines();
    is_send(lines.next_line()).await?;
    Ok(())
}

#[expect(dead_code, reason = "compiles or does not")]
async fn owned(ftp: Client) -> Result<(), Error> {
    let download = is_send(is_send(ftp.into_get("f")).await?);
    let (_, ftp) = is_send(download.finish()).await?;
    let download = ftp.into_get("f").await?;
    let (_, ftp) = is_send(download.copy_to(&mut sink(), |_| ())).await?;
    let (_, ftp) = is_send(ftp.into_get("f").await?.abort()).await?;
    let upload = is_send(is_send(ftp.into_put("f")).await?);
    let (_, ftp) = is_send(upload.finish()).await?;
    let (_, ftp) = is_send(ftp.into_put("f").await?.copy_from(&mut empty(), |_| ())).await?;
    let (_, ftp) = is_send(ftp.into_put("f").await?.abort()).await?;
    let listing = is_send(is_send(ftp.into_list("")).await?);
    let (_, ftp) = is_send(listing.collect_lines()).await?;
    let (_, ftp) = is_send(ftp.into_list("").await?.finish()).await?;
    let (_, ftp) = is_send(ftp.into_list("").await?.abort()).await?;
    let mut entries = is_send(is_send(ftp.into_read_dir("")).await?);
    is_send(entries.next()).await;
    let (_, ftp) = is_send(entries.finish()).await?;
    let (_, mut ftp) = is_send(ftp.into_list("").await?.entries().abort()).await?;
    is_send(ftp.quit()).await.map(drop)
}

#[cfg(feature = "files")]
#[expect(dead_code, reason = "compiles or does not")]
async fn files(ftp: &mut Client) -> Result<(), Error> {
    let options = ResumeOptions::new();
    is_send(ftp.download_file("f", "f")).await?;
    is_send(ftp.upload_file("f", "f")).await?;
    is_send(ftp.verify_file("f", "f")).await?;
    is_send(ftp.resume_download("f", "f")).await?;
    is_send(ftp.resume_download_with("f", "f", options, |_| ())).await?;
    is_send(ftp.resume_upload("f", "f")).await?;
    is_send(ftp.resume_upload_with("f", "f", options, |_| ())).await?;
    Ok(())
}

#[cfg(feature = "pool")]
#[expect(dead_code, reason = "compiles or does not")]
async fn pools(pool: Pool, site: Site) -> Result<(), PoolError> {
    fn is_shared<T: Send + Sync + Clone + 'static>() {}

    is_shared::<Pool>();
    is_shared::<Site>();
    is_send::<Result<(), PoolError>>(Ok(()))?;
    let mut lease = is_send(is_send(pool.lease(&site)).await?);
    is_send(lease.noop()).await?;
    let download = is_send(is_send(lease.into_get("f")).await?);
    let (_, lease) = is_send(download.finish()).await?;
    let upload = is_send(is_send(lease.into_put("f")).await?);
    let (_, lease) = is_send(upload.finish()).await?;
    let listing = is_send(is_send(lease.into_list("")).await?);
    let (_, lease) = is_send(listing.finish()).await?;
    let entries = is_send(is_send(lease.into_read_dir("")).await?);
    let (_, lease) = is_send(entries.finish()).await?;
    drop(lease);
    let name = String::from("f");
    let other = pool.clone();
    let size = |mut ftp: Lease| {
        let name = name.clone();
        async move { ftp.size(name).await }
    };
    is_send(other.run(&site, size)).await?;
    Ok(())
}
