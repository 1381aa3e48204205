//! The line of tasks: who gets a session, and who opens one

use ftp_proto::Time;
use ftp_session::Admission;

use super::{Job, PATIENCE, QUIT_TIMEOUT, State, TaskEnd, TaskState, World};
use crate::engine::budget::Caller;

impl World {
    /// Puts a task in line
    pub(super) fn enter(&mut self, task: usize) {
        self.tasks[task].since = self.now;
        self.tasks[task].state = TaskState::Waiting;
        self.line.push(task);
    }

    /// Puts a task in line again that was refused a session: in a pool it keeps its place
    pub(super) fn enter_again(&mut self, task: usize) {
        self.tasks[task].state = TaskState::Waiting;
        match self.case.caller {
            Caller::Pool => self.line.insert(0, task),
            Caller::Manager => self.line.push(task),
        }
    }

    pub(super) fn ends(&mut self, task: usize, end: TaskEnd) {
        self.tasks[task].state = TaskState::Ended(end);
    }

    /// Begins the tasks whose time has come, and ends those that have waited too long
    pub(super) fn begin_tasks(&mut self) {
        let now = self.now;
        for task in 0..self.tasks.len() {
            match self.tasks[task].state {
                TaskState::Later(at) if at <= now => self.enter(task),
                TaskState::Waiting if self.tasks[task].since + PATIENCE <= now => {
                    self.line.retain(|waiting| *waiting != task);
                    let refusal = self.tasks[task].refusal.take();
                    self.note(|| format!("task {task} has waited too long"));
                    self.ends(task, TaskEnd::TimedOut(refusal));
                }
                _ => {}
            }
        }
    }

    /// Serves the tasks in line: idle sessions first, then new ones as far as the budget permits
    pub(super) fn serve(&mut self) {
        self.look = None;
        self.end_refused_logins();
        while self.pool.budget.excess(self.time()) > self.closing && self.close_oldest() {}
        self.hand_over();
        while let Some(first) = self.first_to_open() {
            let task = self.line[first];
            match self.pool.admission(self.now) {
                Admission::Now => {
                    self.pool.begin(self.now);
                    self.pool.tries(self.tasks[task].login, self.now);
                    self.line.remove(first);
                    self.open(task);
                    self.end_refused_logins();
                    self.hand_over();
                }
                Admission::Later(then) => {
                    self.look = then.map(Time::since_origin);
                    if self.lacks_room() && self.close_oldest() {
                        self.hand_over();
                    }
                    break;
                }
            }
        }
        let tried = self
            .line
            .iter()
            .filter_map(|task| self.pool.tried_until(self.tasks[*task].login, self.now));
        self.look = tried.chain(self.look).min();
    }

    fn time(&self) -> Time {
        Time::after_origin(self.now)
    }

    /// Gives idle sessions to the tasks that they fit
    fn hand_over(&mut self) {
        while let Some((place, idle)) = self.first_that_fits() {
            let number = self.idle.remove(idle);
            let task = self.line.remove(place);
            self.tasks[task].state = TaskState::Served;
            self.note(|| format!("{number} is used again, for task {task}"));
            if let Some(member) = self.members.get_mut(&number) {
                member.get(task);
            }
            self.act(number);
        }
    }

    /// Finds the first task in line for which there is an idle session; a task for which there is none is not overtaken
    /// if it needs the room
    fn first_that_fits(&self) -> Option<(usize, usize)> {
        for (place, task) in self.line.iter().enumerate() {
            let login = self.tasks[*task].login;
            let fits = |number: &usize| self.members.get(number).is_some_and(|m| m.login == login);
            if let Some(idle) = self.idle.iter().rposition(fits) {
                return Some((place, idle));
            }
            if self.lacks_room() {
                return None;
            }
        }
        None
    }

    /// The place in line of the first task that may open a session as far as its login is concerned
    fn first_to_open(&self) -> Option<usize> {
        let may = |task: &usize| {
            let login = self.tasks[*task].login;
            self.case.caller == Caller::Manager || self.pool.tried_until(login, self.now).is_none()
        };
        self.line.iter().position(may)
    }

    fn lacks_room(&self) -> bool {
        self.closing == 0 && self.pool.budget.count() >= self.pool.limit(self.now)
    }

    /// Ends the tasks in line whose login was refused to another one
    fn end_refused_logins(&mut self) {
        let refused = |task: &Job| self.pool.is_refused(task.login);
        let (ended, line) =
            self.line.iter().partition::<Vec<_>, _>(|task| refused(&self.tasks[**task]));
        self.line = line;
        ended.into_iter().for_each(|task| self.ends(task, TaskEnd::Rejected));
    }

    /// Returns a session after use
    pub(super) fn give_back(&mut self, number: usize) {
        if self.case.caller == Caller::Manager {
            return self.close(number);
        }
        self.set(number, State::Idle);
        self.idle.push(number);
    }

    fn close(&mut self, number: usize) {
        let until = self.now + QUIT_TIMEOUT;
        self.closing += 1;
        if let Some(member) = self.members.get_mut(&number) {
            member.quit(until);
        }
        self.act(number);
    }

    /// Closes the session that was idle for longest; returns false if there is none
    pub(super) fn close_oldest(&mut self) -> bool {
        if self.idle.is_empty() {
            return false;
        }
        let number = self.idle.remove(0);
        self.note(|| format!("{number} is closed"));
        self.close(number);
        true
    }
}
