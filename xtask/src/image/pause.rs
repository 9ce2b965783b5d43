//! The program of the pause image: it does nothing and keeps a pod's namespaces open. The runtime ends it with a kill.

fn main() {
    loop {
        std::thread::park();
    }
}
