//! Which replies can answer which commands

/// Codes that can only answer one command (RFC 959 section 4.2.1, RFC 2228, RFC 2428)
pub(super) fn is_identity(code: u16) -> bool {
    matches!(
        code,
        211..=215 | 220 | 221 | 225 | 227..=229 | 230..=234 | 331 | 332 | 334 | 350
    )
}

/// Whether a reply with this code can answer the command (RFC 959 section 5.4 and its successors, and servers that
/// differ: EPSV answered 227, FEAT answered like HELP)
pub(super) fn claims(verb: &str, code: u16) -> bool {
    match code {
        211..=214 => {
            matches!(verb, "STAT" | "HELP" | "SITE")
                || (matches!(code, 211 | 214) && matches!(verb, "FEAT" | "OPTS"))
                || (code == 213 && matches!(verb, "SIZE" | "MDTM" | "MFMT"))
        }
        215 => verb == "SYST",
        220 => matches!(verb, "" | "REIN" | "HOST"),
        221 => verb == "QUIT",
        225 => verb == "ABOR",
        227..=229 => matches!(verb, "PASV" | "EPSV" | "LPSV" | "CPSV"),
        230 | 232 => matches!(verb, "USER" | "PASS" | "ACCT" | "AUTH" | ""),
        231 | 233 => matches!(verb, "USER" | "PASS" | "REIN"),
        234 => verb == "AUTH",
        331 | 332 => {
            matches!(verb, "USER" | "PASS" | "ACCT")
                || (code == 332 && !matches!(verb, "AUTH" | "PBSZ" | "PROT"))
        }
        334 => verb == "AUTH",
        350 => matches!(verb, "REST" | "RNFR" | "STAT"),
        _ => true,
    }
}
