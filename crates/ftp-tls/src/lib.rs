//! rustls over any Read + Write, and FTP's session-resumption policy
