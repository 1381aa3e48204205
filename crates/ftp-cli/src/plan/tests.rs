//! Properties of a plan, tested with random trees

use std::collections::BTreeMap;

use ftp_proto::LocalRules;
use proptest::prelude::*;

use super::*;

/// A node of a model tree: a file with size and time, a directory, or a link
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    File(u64, i64),
    Dir(BTreeMap<Vec<u8>, Self>),
    Link,
}

type Tree = BTreeMap<Vec<u8>, Node>;

fn policy(direction: Direction, delete: bool) -> Policy {
    Policy {
        direction,
        compare: Compare::SizeAndTime,
        delete,
        max_delete: None,
        filter: Filter::default(),
        names: LocalRules::Unix,
        suffix: Some(".part".into()),
    }
}

fn look<'a>(tree: &'a Tree, path: &[u8]) -> Option<&'a Tree> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).try_fold(tree, |tree, name| {
        match tree.get(name) {
            Some(Node::Dir(inner)) => Some(inner),
            _ => None,
        }
    })
}

fn look_mut<'a>(tree: &'a mut Tree, path: &[u8]) -> &'a mut Tree {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).fold(tree, |tree, name| {
        match tree.entry(name.to_vec()).or_insert_with(|| Node::Dir(Tree::new())) {
            Node::Dir(inner) => inner,
            other => panic!("{other:?} is in the way"),
        }
    })
}

fn listing(tree: &Tree, unit: i64, is_complete: bool) -> Listing {
    let item = |(name, node): (&Vec<u8>, &Node)| {
        let (kind, size, time) = match node {
            Node::File(size, time) => (Kind::File, Some(*size), Some(Stamp::new(*time, unit))),
            Node::Dir(_) => (Kind::Dir, None, None),
            Node::Link => (Kind::Link, None, None),
        };
        let name = name.clone().into();
        Item {
            name,
            kind,
            size,
            time,
            is_exact: true,
            identity: None,
            mode: None,
            is_linked: false,
        }
    };
    let shown = if is_complete { Shown::All } else { Shown::Some };
    Listing { items: tree.iter().map(item).collect(), shown }
}

/// The result of a run of the plan on two model trees
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    steps: Vec<Step>,
    doomed: Vec<Doomed>,
}

/// Two model trees, and how they are listed
struct World<'a> {
    source: &'a Tree,
    target: &'a Tree,
    /// The precision of the source's times, in seconds
    unit: i64,
    /// Whether the listing of a directory is incomplete
    incomplete: &'a dyn Fn(&[u8]) -> bool,
    /// Changes the order of the items of a listing
    shuffle: &'a dyn Fn(&mut Vec<Item>),
}

fn run(policy: Policy, world: &World<'_>) -> Outcome {
    let mut plan = Plan::new(policy, true);
    let mut outcome = Outcome::default();
    while let Some(directory) = plan.next() {
        let side = |is_there: bool, tree: &Tree, unit: i64| {
            let inner = look(tree, &directory.path).filter(|_| is_there)?;
            let mut listing = listing(inner, unit, !(world.incomplete)(&directory.path));
            (world.shuffle)(&mut listing.items);
            Some(listing)
        };
        let source = side(directory.in_source, world.source, world.unit);
        let target = side(directory.in_target, world.target, 1);
        let found = plan.listed(&directory, source, target);
        outcome.steps.extend(found.steps);
        plan.enter(found.directories);
    }
    outcome.steps.sort_by_key(|step| format!("{step:?}"));
    outcome.doomed = plan.deletions().unwrap();
    outcome
}

fn apply(target: &mut Tree, source: &Tree, outcome: &Outcome, unit: i64) {
    for step in &outcome.steps {
        if let Step::MakeDirectory { path, .. } = step {
            look_mut(target, path);
        }
    }
    for step in &outcome.steps {
        if let Step::Transfer(file) = step {
            let name = file.path[parent(&file.path).len()..].to_vec();
            let name = name.strip_prefix(b"/").map_or_else(|| name.clone(), <[u8]>::to_vec);
            let Some(Node::File(size, time)) =
                look(source, parent(&file.path)).and_then(|tree| tree.get(&name))
            else {
                panic!("{file:?} is no file of the source");
            };
            let told = Stamp::new(*time, unit).seconds();
            look_mut(target, parent(&file.path)).insert(name, Node::File(*size, told));
        }
    }
    for doomed in &outcome.doomed {
        let folder = parent(&doomed.path);
        let name = doomed.path.strip_prefix(folder).unwrap();
        let name = name.strip_prefix(b"/").unwrap_or(name);
        let removed = look_mut(target, folder).remove(name).expect("it is there");
        match removed {
            Node::Dir(inner) => assert!(inner.is_empty() && doomed.is_directory, "{doomed:?}"),
            _ => assert!(!doomed.is_directory),
        }
    }
}

fn changes(outcome: &Outcome) -> Vec<&Step> {
    let is_change = |step: &&Step| matches!(step, Step::MakeDirectory { .. } | Step::Transfer(_));
    outcome.steps.iter().filter(is_change).collect()
}

/// Generates names, some of which are invalid or are those of temporary files
fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => "[ab](\\.part|\\.part\\.state)?".prop_map(String::into_bytes),
        1 => prop_oneof![
            Just(b"../x".to_vec()),
            Just(b"..".to_vec()),
            Just(b"/etc/passwd".to_vec()),
            Just(b"a\\b".to_vec()),
            Just(b"x\ny".to_vec()),
            Just(b"x\0y".to_vec()),
            Just(vec![b'n'; 300]),
            Just(Vec::new()),
        ],
    ]
}

/// Generates names that are valid on any file system
fn plain_name() -> impl Strategy<Value = Vec<u8>> {
    "[abc](\\.part|\\.part\\.state)?".prop_map(String::into_bytes)
}

fn tree(name: fn() -> BoxedStrategy<Vec<u8>>) -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        6 => (0..3_u64, 0..200_000_i64).prop_map(|(size, time)| Node::File(size, time)),
        1 => Just(Node::Link),
    ];
    let node = leaf.prop_recursive(3, 24, 4, move |inner| {
        prop::collection::btree_map(name(), inner, 0..4).prop_map(Node::Dir)
    });
    prop::collection::btree_map(name(), node, 0..5)
}

fn hostile() -> impl Strategy<Value = Tree> {
    tree(|| name().boxed())
}

fn plain() -> impl Strategy<Value = Tree> {
    tree(|| plain_name().boxed())
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Down), Just(Direction::Up)]
}

fn world<'a>(source: &'a Tree, target: &'a Tree, unit: i64) -> World<'a> {
    World { source, target, unit, incomplete: &|_| false, shuffle: &|_| {} }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_second_run_does_nothing(
        source in hostile(), target in plain(), direction in direction(), delete: bool,
        unit in prop_oneof![Just(1), Just(60), Just(86400)],
    ) {
        let mut target = target;
        let first = run(policy(direction, delete), &world(&source, &target, unit));
        apply(&mut target, &source, &first, unit);
        let second = run(policy(direction, delete), &world(&source, &target, unit));
        prop_assert_eq!(changes(&second), Vec::<&Step>::new());
        prop_assert_eq!(second.doomed, vec![]);
    }

    #[test]
    fn no_step_leads_out_of_the_target(source in hostile(), target in plain(), direction in direction()) {
        let outcome = run(policy(direction, true), &world(&source, &target, 1));
        for step in &outcome.steps {
            let path = match step {
                Step::MakeDirectory { path, .. } => path,
                Step::Transfer(file) | Step::Check(file) | Step::Keep(file) => &file.path,
                Step::LeaveOut { .. } | Step::Spare { .. } | Step::Refuse { .. } | Step::TooDeep { .. } => continue,
            };
            prop_assert!(path.is_empty() || LocalRules::Unix.components(path).is_ok(), "{:?}", step);
        }
        for doomed in &outcome.doomed {
            prop_assert!(LocalRules::Unix.components(&doomed.path).is_ok(), "{:?}", doomed);
        }
    }

    #[test]
    fn the_order_of_listings_makes_no_difference(
        source in hostile(), target in plain(), direction in direction(), turn in 0..5_usize,
    ) {
        let plain_order = run(policy(direction, true), &world(&source, &target, 1));
        let shuffle = |items: &mut Vec<Item>| {
            items.reverse();
            let length = items.len().max(1);
            items.rotate_left(turn % length);
        };
        let other = World { shuffle: &shuffle, ..world(&source, &target, 1) };
        prop_assert_eq!(run(policy(direction, true), &other), plain_order);
    }

    #[test]
    fn nothing_is_deleted_after_an_incomplete_listing(
        source in plain(), target in plain(), direction in direction(), letter in "[abc]?",
    ) {
        let is_incomplete = |path: &[u8]| path == letter.as_bytes();
        let partial = World { incomplete: &is_incomplete, ..world(&source, &target, 1) };
        let outcome = run(policy(direction, true), &partial);
        for doomed in &outcome.doomed {
            prop_assert_ne!(parent(&doomed.path), letter.as_bytes());
            // A directory with an incomplete listing is not deleted either.
            let is_it = doomed.is_directory && doomed.path == letter.as_bytes();
            prop_assert!(!is_it);
        }
        prop_assert_eq!(run(policy(direction, false), &world(&source, &target, 1)).doomed, vec![]);
    }

    #[test]
    fn nothing_of_the_source_is_deleted(source in plain(), target in plain(), direction in direction()) {
        for doomed in run(policy(direction, true), &world(&source, &target, 1)).doomed {
            let folder = look(&source, parent(&doomed.path));
            let name = doomed.path.rsplit(|byte| *byte == b'/').next().unwrap();
            prop_assert!(folder.is_none_or(|folder| !folder.contains_key(name)), "{:?}", doomed);
        }
    }
}

fn file(name: &str, size: u64, time: i64) -> (Vec<u8>, Node) {
    (name.into(), Node::File(size, time))
}

#[test]
fn more_than_may_be_deleted_is_not_deleted() {
    let target = Tree::from([file("a", 1, 1), file("b", 1, 1)]);
    for (most, is_allowed) in [(1, false), (2, true)] {
        let mut plan =
            Plan::new(Policy { max_delete: Some(most), ..policy(Direction::Down, true) }, true);
        let root = plan.next().unwrap();
        plan.listed(&root, Some(listing(&Tree::new(), 1, true)), Some(listing(&target, 1, true)));
        assert_eq!(plan.deletions().map_err(|TooMany(count)| count).is_ok(), is_allowed);
    }
}

#[test]
fn what_the_filter_leaves_out_is_neither_transferred_nor_deleted() {
    let rules = vec![Rule::new(false, "*.o").unwrap()];
    let source = Tree::from([file("a.o", 1, 1), file("a.c", 1, 1)]);
    let inner = Tree::from([file("b.o", 1, 1), file("b.c", 1, 1)]);
    let target = Tree::from([file("c.o", 1, 1), (b"old".to_vec(), Node::Dir(inner))]);
    let filter = Filter::new(rules, Ages::default(), Sizes::ALL);
    let outcome =
        run(Policy { filter, ..policy(Direction::Down, true) }, &world(&source, &target, 1));
    assert_eq!(changes(&outcome).len(), 1);
    let doomed: Vec<&[u8]> = outcome.doomed.iter().map(|doomed| &*doomed.path).collect();
    assert_eq!(doomed, [b"old/b.c"], "old has a file that stays");
}

#[test]
fn names_that_differ_in_case_are_one_file_where_the_system_says_so() {
    let source = Tree::from([file("README", 1, 1), file("ReadMe", 2, 2)]);
    let names = LocalRules::MacOs;
    let none = Tree::new();
    let outcome = run(Policy { names, ..policy(Direction::Down, true) }, &world(&source, &none, 1));
    assert_eq!(changes(&outcome).len(), 1);
    assert!(
        outcome
            .steps
            .iter()
            .any(|step| matches!(step, Step::Refuse { path, .. } if path == b"ReadMe"))
    );
}

#[test]
fn loops_end() {
    let item = Item {
        name: b"again".as_slice().into(),
        kind: Kind::Dir,
        size: None,
        time: None,
        is_exact: true,
        identity: Some(b"U1".as_slice().into()),
        mode: None,
        is_linked: false,
    };
    let mut plan = Plan::new(policy(Direction::Down, false), true);
    let mut steps = Vec::new();
    let mut entered = 0;
    while let Some(directory) = plan.next() {
        entered += 1;
        let listing = Listing { items: vec![item.clone()], shown: Shown::All };
        let found = plan.listed(&directory, Some(listing), None);
        steps.extend(found.steps);
        plan.enter(found.directories);
    }
    assert_eq!(entered, 2);
    assert!(matches!(steps.last(), Some(Step::Refuse { .. })), "{steps:?}");
    // If the server does not identify directories, the maximum depth ends the loop.
    let nameless = Item { identity: None, ..item };
    let mut plan = Plan::new(policy(Direction::Down, false), true);
    let mut entered = 0;
    while let Some(directory) = plan.next() {
        entered += 1;
        let listing = Listing { items: vec![nameless.clone()], shown: Shown::All };
        let found = plan.listed(&directory, Some(listing), None);
        plan.enter(found.directories);
    }
    assert_eq!(entered, MAX_DEPTH);
    // Two links to a parent would double the number of directories at each level.
    let linked = Item { is_linked: true, ..nameless };
    let other = Item { name: b"other".as_slice().into(), ..linked.clone() };
    let mut plan = Plan::new(policy(Direction::Down, false), true);
    let mut entered = 0;
    while let Some(directory) = plan.next() {
        entered += 1;
        let items = vec![linked.clone(), other.clone()];
        let found = plan.listed(&directory, Some(Listing { items, shown: Shown::All }), None);
        plan.enter(found.directories);
    }
    assert_eq!(entered, (1 << (MAX_LINKS + 1)) - 1);
}

/// A file that the filter leaves out is not deleted either
#[test]
fn files_of_another_age_are_left_out() {
    let source = Tree::from([file("old", 1, 10), file("new", 1, 100)]);
    let target = Tree::from([file("gone-old", 1, 10), file("gone-new", 1, 100)]);
    let filter = Filter::new(Vec::new(), Ages { newer: Some(50), older: None }, Sizes::ALL);
    let policy = Policy { filter, ..policy(Direction::Down, true) };
    let outcome = run(policy, &world(&source, &target, 1));
    let is_new = |step: &&Step| matches!(step, Step::Transfer(file) if file.path == b"new");
    assert_eq!((changes(&outcome).len(), outcome.steps.iter().filter(is_new).count()), (1, 1));
    assert_eq!(outcome.doomed, [Doomed { path: b"gone-new".to_vec(), is_directory: false }]);
}

#[test]
fn an_existing_file_in_the_way_is_not_removed() {
    let dir = |name: &str| (name.as_bytes().to_vec(), Node::Dir(Tree::new()));
    let source = Tree::from([file("a", 1, 1), dir("b"), (b"l".to_vec(), Node::Link)]);
    let target = Tree::from([dir("a"), file("b", 1, 1), file("l", 1, 1)]);
    let outcome = run(policy(Direction::Down, true), &world(&source, &target, 1));
    let refused = outcome.steps.iter().filter(|step| matches!(step, Step::Refuse { .. })).count();
    assert_eq!((refused, changes(&outcome).len(), outcome.doomed.len()), (2, 0, 0));
}

/// vsftpd's LIST leaves out names that begin with a dot
#[test]
fn names_that_the_source_may_hide_are_not_deleted() {
    let tree = |names: &[&str]| -> Tree {
        names.iter().map(|name| (name.as_bytes().to_vec(), Node::File(1, 0))).collect()
    };
    let doomed = |shown| {
        let mut plan = Plan::new(policy(Direction::Down, true), true);
        let directory = plan.next().unwrap();
        let source = Listing { shown, ..listing(&tree(&["a"]), 1, true) };
        let target = listing(&tree(&[".htaccess", "a", "b"]), 1, true);
        plan.listed(&directory, Some(source), Some(target));
        let doomed = plan.deletions().unwrap();
        doomed.into_iter().map(|item| String::from_utf8(item.path).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(doomed(Shown::AllButDotNames), ["b"]);
    assert_eq!(doomed(Shown::All).len(), 2);
    assert_eq!(doomed(Shown::Some).len(), 0);
}
