package io.flipout.cli.spark;

import io.flipout.cli.comparison.PlannedRun;
import io.flipout.cli.comparison.RunAtWork;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** A run that Spark was given, as far as it has told. */
final class SparkRun implements RunAtWork {

    private final PlannedRun run;
    private final Path folder;
    private final Runnable stop;
    private final CountDownLatch end = new CountDownLatch(1);

    private volatile String host = "";
    private volatile long begin;
    private volatile int epochs;
    private volatile int epochsBefore = -1;
    private volatile boolean isSuccess;
    private volatile String fault = "";

    /**
     * @param folder the run's folder
     * @param stop asks Spark to stop it
     */
    SparkRun(PlannedRun run, Path folder, Runnable stop) {
        this.run = run;
        this.folder = folder;
        this.stop = stop;
    }

    /** An attempt has begun on a machine. */
    void started(String where) {
        host = where;
        if (begin == 0) {
            begin = System.nanoTime();
        }
    }

    /** So many epochs are done. */
    void trained(int count) {
        if (epochsBefore < 0) {
            epochsBefore = Math.max(0, count - 1); // It may have come far before.
        }
        epochs = Math.max(epochs, count);
    }

    void done(String where) {
        host = where;
        isSuccess = true;
        end.countDown();
    }

    void failed(String where, String sentence) {
        host = where;
        fault = sentence;
        end.countDown();
    }

    void stopped() {
        end.countDown();
    }

    Path folder() {
        return folder;
    }

    @Override
    public PlannedRun run() {
        return run;
    }

    @Override
    public String place() {
        return host.isEmpty() ? "" : " on " + host;
    }

    @Override
    public boolean isAlive() {
        return end.getCount() > 0;
    }

    @Override
    public boolean isSuccess() {
        return isSuccess;
    }

    @Override
    public double seconds() {
        return begin == 0 ? 0 : (System.nanoTime() - begin) / 1e9;
    }

    @Override
    public int trained() {
        return Math.max(0, epochs - Math.max(0, epochsBefore));
    }

    @Override
    public int epochs() {
        return epochs;
    }

    @Override
    public String fault() {
        return fault;
    }

    @Override
    public void stop() {
        if (isAlive()) {
            stop.run();
        }
    }

    @Override
    public void waitFor() throws InterruptedException {
        end.await();
    }
}
