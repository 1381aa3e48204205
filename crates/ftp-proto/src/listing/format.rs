//! The formats of listings, and which one the answer to SYST suggests

use crate::control::reply::Reply;

/// How a server writes its listings
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// MLSD and MLST
    Mlsx,
    /// `ls -l` and what looks like it
    Unix,
    /// IIS, and DOS before it
    Dos,
    /// EPLF
    Eplf,
    /// OpenVMS
    Vms,
    /// OS/400
    Os400,
    /// OS/2
    Os2,
    /// Tandem NonStop
    NonStop,
    /// z/OS
    Mvs,
    /// Nothing but names, as NLST has them
    Names,
    /// VM/CMS
    Cms,
    /// Unix in numbers, as a few servers for embedded systems have it
    Numeric,
    /// VShell, in its older form
    VShell,
    /// VxWorks
    VxWorks,
    /// OS-9
    Os9,
    /// WFFTP of Nortel
    Wfftp,
    /// `dls` of public archives
    Dls,
}

impl Format {
    /// What the answer to SYST speaks for (RFC 959 section 4.1.3): a hint, since servers say `UNIX` to
    /// please their clients, and Windows has two styles
    #[must_use]
    pub fn of_system(reply: &Reply) -> Option<Self> {
        const SYSTEMS: [(&str, Format); 9] = [
            ("unix", Format::Unix),
            ("windows", Format::Dos),
            ("vms", Format::Vms),
            ("os/400", Format::Os400),
            ("os/2", Format::Os2),
            ("nonstop", Format::NonStop),
            ("z/vm", Format::Cms),
            ("vm/", Format::Cms),
            ("mvs", Format::Mvs),
        ];
        let text = reply.text().to_ascii_lowercase();
        let says =
            |(name, _): &&(&str, Self)| memchr::memmem::find(&text, name.as_bytes()).is_some();
        SYSTEMS.iter().find(says).map(|(_, format)| *format)
    }
}
