//! The formats of listings, and which one the reply to SYST suggests

use crate::control::reply::Reply;

/// How a server writes its listings
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// MLSD and MLST
    Mlsx,
    /// `ls -l` and similar formats
    Unix,
    /// IIS, and originally DOS
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
    /// Only names, as in NLST
    Names,
    /// VM/CMS
    Cms,
    /// Unix listings with numbers only, as sent by a few servers for embedded systems
    Numeric,
    /// VShell, in its older format
    VShell,
    /// VxWorks
    VxWorks,
    /// OS-9
    Os9,
    /// WFFTP, by Nortel
    Wfftp,
    /// `dls`, as used by public archives
    Dls,
}

impl Format {
    /// Returns the format that the reply to SYST suggests (RFC 959 section 4.1.3): only a hint, because servers say
    /// `UNIX` to please their clients, and Windows has two formats
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
