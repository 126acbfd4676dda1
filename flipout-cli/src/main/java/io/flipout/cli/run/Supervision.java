package io.flipout.cli.run;

import io.flipout.cli.terminal.Failure;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** A run whose process belongs to another one, which passes on to it the signals that it gets. */
public final class Supervision {

    /** The system property that a supervised process is started with. */
    public static final String PROPERTY = "flipout.supervised";

    private Supervision() {}

    /** Whether this JVM is supervised. */
    public static boolean isOn() {
        return Boolean.getBoolean(PROPERTY);
    }

    /** Makes this JVM end with the one that started it, if that supervises it. */
    public static void endWithParent() {
        if (!isOn()) {
            return;
        }
        InputStream parent = System.in;
        Thread watcher =
                new Thread(
                        () -> {
                            try {
                                parent.transferTo(OutputStream.nullOutputStream());
                            } catch (IOException e) {
                                // The pipe broke, which says the same.
                            }
                            Runtime.getRuntime().halt(Failure.FAILED);
                        });
        watcher.setDaemon(true);
        watcher.start();
    }
}
