//! `--include` and `--exclude` of get, put and fetch

use ftp_test::Server;

use crate::Home;

#[test]
fn patterns_select_files_of_get_put_and_fetch() {
    let (server, home) = (Server::start(), Home::new());
    let names = ["pub/a.gz", "pub/b.txt", "pub/old/c.gz", "pub/d.o"];
    for name in names {
        server.files().put(name, b"1");
        home.write(name, b"1");
    }
    let urls = names.map(|name| server.url(name));
    for (options, got) in [
        (&["--exclude", "*.o"][..], &["a.gz", "b.txt", "c.gz"][..]),
        // The last one that matches wins.
        (&["--exclude", "*", "--include", "*.gz"], &["a.gz", "c.gz"]),
        (&["--include", "*.gz", "--exclude", "*"], &[]),
        (&["--exclude", "*.gz", "--include=a*", "--exclude", "b.txt"], &["a.gz", "d.o"]),
        // A name at any level, and with a slash a path.
        (&["--exclude", "old"], &["a.gz", "b.txt", "d.o"]),
        (&["--exclude", "/pub/*.gz"], &["b.txt", "c.gz", "d.o"]),
    ] {
        let new = Home::new();
        let words = [&["get", "-O", "out"], options].concat();
        let words = words.into_iter().chain(urls.iter().map(String::as_str));
        let run = new.rftp(&words.collect::<Vec<_>>());
        assert_eq!(
            (run.code, new.names("out")),
            (Some(0), got.iter().map(|name| (*name).to_owned()).collect()),
            "{options:?} {run:?}"
        );

        let folder = server.url("up/");
        let words = [&["put", "--mkdir"], options, &names, &[&*folder]].concat();
        let run = home.rftp(&words);
        let mut there = server.files().paths();
        there.retain(|path| path.starts_with("up/"));
        assert_eq!(
            (run.code, there.clone()),
            (Some(0), got.iter().map(|name| format!("up/{name}")).collect()),
            "{options:?} {run:?}"
        );
        there.iter().for_each(|path| server.files().remove(path));

        let list = names.map(|name| format!("c4ca4238a0b923820dcc509a6f75849b  {name}\n")).concat();
        new.write("list", list.as_bytes());
        let base = server.url("");
        let words = [&["fetch", "list", "--json", "--base", &base, "-O", "of"], options].concat();
        let run = new.rftp(&words);
        assert_eq!(run.code, Some(0), "{options:?} {run:?}");
        for name in names {
            let is_wanted = got.contains(&name.rsplit('/').next().unwrap());
            assert_eq!(new.path("of").join(name).exists(), is_wanted, "{options:?} {name} {run:?}");
        }
    }
    let run = home.rftp(&["get", "--exclude", "[", &urls[0]]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains('['), "{run:?}");
}
