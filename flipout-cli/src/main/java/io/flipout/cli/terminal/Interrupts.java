package io.flipout.cli.terminal;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jline.utils.Signals;

/**
 * SIGINT and SIGTERM while something long is at work: the first asks it to end in good order, a
 * second one ends it at once.
 */
public final class Interrupts implements AutoCloseable {

    /** What a shell adds to the number of a signal. */
    private static final int STATUS = 128;

    /** Milliseconds that a signal may take. */
    private static final long PATIENCE = 1000;

    private final List<Runnable> restore = new ArrayList<>();
    private final boolean isEchoed;
    private volatile int signal;

    /** Catches signals from now on, for a user's own process. */
    public Interrupts() {
        this(false);
    }

    /**
     * Catches signals from now on.
     *
     * @param isEchoed whether another process passes on what a terminal sends to both, which is
     *     then one signal
     */
    public Interrupts(boolean isEchoed) {
        this.isEchoed = isEchoed;
        handle("INT", 2);
        handle("TERM", 15);
    }

    private void handle(String name, int number) {
        Object before = Signals.register(name, () -> receive(name, number));
        restore.add(() -> Signals.unregister(name, before));
    }

    private void receive(String name, int number) {
        if (signal != 0 && isEchoed && signal != number) {
            return;
        }
        if (signal != 0) {
            die(name);
            Runtime.getRuntime().halt(STATUS + number);
        }
        signal = number;
    }

    /**
     * Dies of a signal as if it had not been handled, with the same status. Leaving by Java would
     * take PyTorch down under the threads that compute, and end in a crash; and Java raises no
     * signal that it does not handle.
     */
    private static void die(String name) {
        Signals.registerDefault(name);
        try {
            String process = Long.toString(ProcessHandle.current().pid());
            new ProcessBuilder("kill", "-" + name, process).start();
            Thread.sleep(PATIENCE);
        } catch (IOException | InterruptedException e) {
            // There is no such command: leave by Java all the same.
        }
    }

    /** Whether the work is to end. */
    public boolean isAsked() {
        return signal != 0;
    }

    /** The status that a command ends with after a signal. */
    public int status() {
        return STATUS + signal;
    }

    @Override
    public void close() {
        restore.forEach(Runnable::run);
    }
}
