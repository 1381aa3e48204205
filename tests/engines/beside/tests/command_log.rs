//! The lines of servers' logs, as the real servers write them

use std::fs;

use ftp_tests::command_log::CommandLog;

#[test]
fn lines_of_both_servers() {
    let vsftpd = "\
Mon Jan  1 00:00:00 2024 [pid 2] CONNECT: Client \"127.0.0.2\"
Mon Jan  1 00:00:00 2024 [pid 1] [ftp] FTP command: Client \"127.0.0.2\", \"RETR /pub/f\"
Mon Jan  1 00:00:00 2024 [pid 1] [ftp] FTP response: Client \"127.0.0.2\", \"150 Here.\"
Mon Jan  1 00:00:00 2024 [pid 1] [ftp] OK DOWNLOAD: Client \"127.0.0.2\", \"/pub/f\", 100 bytes, 1.00Kbyte/sec
Mon Jan  1 00:00:00 2024 [pid 1] [ftp] FAIL DOWNLOAD: Client \"127.0.0.2\", \"/pub/f\", 20 bytes, 1.00Kbyte/sec
Mon Jan  1 00:00:00 2024 [pid 3] FTP response: Client \"127.0.0.3\", \"421 There are too many connected users.\"\n";
    let proftpd = "\
127.0.0.2 \"USER tester\" 331 -
127.0.0.2 \"RETR f\" 226 100
127.0.0.2 \"RETR f\" 426 20
127.0.0.3 \"PASS (hidden)\" 530 -\n";
    for (text, retr) in [(vsftpd, 1), (proftpd, 2)] {
        let folder = std::env::temp_dir().join(format!("ftp-log-{}-{retr}", std::process::id()));
        let log = CommandLog::from_here(&folder);
        fs::write(&folder, text).unwrap();
        assert_eq!(log.count("127.0.0.2", "RETR "), retr);
        assert_eq!(log.count("127.0.0.3", "RETR "), 0);
        assert_eq!(log.refusals(), 1);
        assert_eq!(log.sent(), 120);
        assert_eq!(CommandLog::from_here(&folder).sent(), 0);
        fs::remove_file(folder).unwrap();
    }
}
