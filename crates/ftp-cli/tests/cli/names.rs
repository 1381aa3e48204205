//! Names that a hostile server may list (CVE-2026-27699, CVE-2026-40987, CVE-2014-4877)

/// A name, and whether a local file may have it
pub(crate) struct Name {
    pub(crate) name: &'static [u8],
    pub(crate) on_unix: bool,
    pub(crate) on_windows: bool,
}

const fn never(name: &'static [u8]) -> Name {
    Name { name, on_unix: false, on_windows: false }
}

const fn unix(name: &'static [u8]) -> Name {
    Name { name, on_unix: true, on_windows: false }
}

const fn anywhere(name: &'static [u8]) -> Name {
    Name { name, on_unix: true, on_windows: true }
}

pub(crate) const NAMES: &[Name] = &[
    // Names that lead out of the directory, or into another one.
    never(b"../evil"),
    never(b"../../evil"),
    never(b"../../../../../../../../tmp/evil"),
    never(b"/evil"),
    never(b"//evil"),
    never(b"/etc/passwd"),
    never(b"./evil"),
    never(b"sub/evil"),
    never(b"sub/../../evil"),
    never(b"sub//evil"),
    never(b"evil/"),
    never(b"."),
    never(b".."),
    never(b"../"),
    never(b"~/evil"),
    never(b"a -> ../evil"),
    never(b"..\\evil"),
    never(b"..\\..\\evil"),
    never(b"\\evil"),
    never(b"sub\\evil"),
    never(b"C:\\evil"),
    never(b"\\\\host\\share\\evil"),
    never(b"\\\\?\\C:\\evil"),
    never(b"\xc0\xae\xc0\xae/evil"),
    // Drives, streams, devices, and characters that Windows removes or does not allow.
    unix(b"C:evil"),
    unix(b"c:"),
    unix(b"evil:stream"),
    unix(b"evil::$DATA"),
    unix(b"NUL"),
    unix(b"con"),
    unix(b"aux.txt"),
    unix(b"COM1"),
    unix(b"lpt9.log"),
    unix("COM\u{b9}".as_bytes()),
    unix(b"CONIN$"),
    unix(b"nul .txt"),
    unix(b"evil."),
    unix(b"evil "),
    unix(b"..."),
    unix(b". ."),
    unix(b"a*b"),
    unix(b"a?b"),
    unix(b"a|b"),
    unix(b"a<b"),
    unix(b"a>b"),
    unix(b"a\"b"),
    unix(b"a\xff"),
    unix(b"\xc0\xae\xc0\xae"),
    // Control characters and other characters that terminals interpret.
    never(b"a\x1b]0;x\x07"),
    never(b"a\x1b[2J"),
    never(b"a\tb"),
    never(b"a\x7f"),
    never(b"\x01"),
    never(b"a\x00b"),
    never(b"a\rb"),
    anywhere("a\u{9b}2J".as_bytes()),
    anywhere("a\u{202e}fdp.exe".as_bytes()),
    // Names that are special to shells, misleading for readers, or too long.
    anywhere(b" evil"),
    anywhere(b"-rf"),
    anywhere(b"~"),
    anywhere(b"$(touch evil)"),
    anywhere(b"`touch evil`"),
    anywhere(b"%2e%2e%2fevil"),
    anywhere("\u{ff0e}\u{ff0e}\u{ff0f}evil".as_bytes()),
    anywhere(b".netrc"),
    never(&[b'a'; 256]),
];

/// Names of temporary files of the file `good`
pub(crate) const RESERVED: [&[u8]; 5] = [
    b"good.part",
    b"good.part.state",
    b"good.part.state~",
    b"good.part.inplace",
    b"good.part.inplace~",
];
