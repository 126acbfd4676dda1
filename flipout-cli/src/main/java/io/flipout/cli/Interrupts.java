package io.flipout.cli;

import java.util.ArrayList;
import java.util.List;
import org.jline.utils.Signals;

/**
 * SIGINT and SIGTERM while a run trains: the first asks it to end in good order, a second one ends
 * it at once.
 */
final class Interrupts implements AutoCloseable {

    /** What a shell adds to the number of a signal. */
    private static final int STATUS = 128;

    private final List<Runnable> restore = new ArrayList<>();
    private volatile int signal;

    Interrupts() {
        handle("INT", 2);
        handle("TERM", 15);
    }

    private void handle(String name, int number) {
        Object before = Signals.register(name, () -> receive(number));
        restore.add(() -> Signals.unregister(name, before));
    }

    private void receive(int number) {
        if (signal != 0) {
            Runtime.getRuntime().halt(STATUS + number);
        }
        signal = number;
    }

    /** Whether the run is to end. */
    boolean isAsked() {
        return signal != 0;
    }

    /** The status that a command ends with after a signal. */
    int status() {
        return STATUS + signal;
    }

    @Override
    public void close() {
        restore.forEach(Runnable::run);
    }
}
