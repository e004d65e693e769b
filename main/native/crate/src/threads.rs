//! Priority of the calling thread, and a bounded pool.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, Once, OnceLock};

/// How much a thread yields to others.
#[derive(Clone, Copy)]
pub enum Priority {
    Normal,
    /// Yields to what a person does.
    Low,
    /// Runs when nothing else wants to.
    Background,
}

/// Sets the priority of the calling thread alone. False when the system refuses, as it does where raising needs a privilege.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn set_priority(priority: Priority) -> bool {
    let nice = match priority {
        Priority::Normal => 0,
        Priority::Low => 10,
        Priority::Background => 19,
    };
    // SAFETY: a system call without pointers. On Linux a nice value belongs to the thread, and 0 names the calling one.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) == 0 }
}

#[cfg(target_os = "macos")]
pub fn set_priority(priority: Priority) -> bool {
    use libc::qos_class_t::{QOS_CLASS_BACKGROUND, QOS_CLASS_DEFAULT, QOS_CLASS_UTILITY};
    let class = match priority {
        Priority::Normal => QOS_CLASS_DEFAULT,
        Priority::Low => QOS_CLASS_UTILITY,
        Priority::Background => QOS_CLASS_BACKGROUND,
    };
    // SAFETY: a library call without pointers, on the calling thread.
    unsafe { libc::pthread_set_qos_class_self_np(class, 0) == 0 }
}

#[cfg(windows)]
pub fn set_priority(priority: Priority) -> bool {
    use windows_sys::Win32::System::Threading::{
        GetCurrentThread, SetThreadPriority, THREAD_PRIORITY_BELOW_NORMAL, THREAD_PRIORITY_IDLE, THREAD_PRIORITY_NORMAL,
    };
    let level = match priority {
        Priority::Normal => THREAD_PRIORITY_NORMAL,
        Priority::Low => THREAD_PRIORITY_BELOW_NORMAL,
        Priority::Background => THREAD_PRIORITY_IDLE,
    };
    // SAFETY: the handle is the calling thread's pseudo handle, which is always valid and never closed.
    unsafe { SetThreadPriority(GetCurrentThread(), level) != 0 }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos", windows)))]
pub fn set_priority(_: Priority) -> bool {
    false
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Threads of the pool: signatures are checked beside a running VDF and a page, so never on every core of a large machine.
const POOL_THREADS_MAX: usize = 4;

type Task = Box<dyn FnOnce() + Send>;

/// A few threads that take tasks in the order of their arrival; they start with the first task and live as long as the process.
pub struct Pool {
    queue: Mutex<VecDeque<Task>>,
    arrived: Condvar,
    pub threads: usize,
}

pub fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    static STARTED: Once = Once::new();
    let pool = POOL.get_or_init(|| Pool {
        queue: Mutex::default(),
        arrived: Condvar::new(),
        threads: cores().min(POOL_THREADS_MAX),
    });
    STARTED.call_once(|| {
        for n in 0..pool.threads {
            spawn(&format!("montana-pool-{n}"), || pool.run());
        }
    });
    pool
}

impl Pool {
    pub fn submit(&self, task: Task) {
        self.queue.lock().unwrap().push_back(task);
        self.arrived.notify_one();
    }

    fn run(&self) {
        loop {
            let mut queue = self.queue.lock().unwrap();
            let task = loop {
                match queue.pop_front() {
                    Some(task) => break task,
                    None => queue = self.arrived.wait(queue).unwrap(),
                }
            };
            drop(queue);
            task();
        }
    }
}

/// Starts a named thread. Panics when the system has none left.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().name(name.into()).spawn(work).expect("the system gives no more threads");
}
