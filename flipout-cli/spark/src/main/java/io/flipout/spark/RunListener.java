package io.flipout.spark;

import static scala.jdk.javaapi.CollectionConverters.asJava;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.apache.spark.ExceptionFailure;
import org.apache.spark.ExecutorLostFailure;
import org.apache.spark.SparkConf;
import org.apache.spark.TaskFailedReason;
import org.apache.spark.TaskKilled;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerApplicationEnd;
import org.apache.spark.scheduler.SparkListenerExecutorAdded;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.apache.spark.scheduler.StageInfo;
import org.apache.spark.scheduler.cluster.ExecutorInfo;
import scala.Option;

/**
 * Follows what becomes of runs, each of which is a job of one task, and of executors. Spark makes
 * it, so that it misses no executor.
 */
public final class RunListener extends SparkListener {

    /** The one that listens to the application of this process. */
    private static RunListener current;

    private static final Pattern ERROR_NAME =
            Pattern.compile("^[\\w.$]+(?:Exception|Error): (?=.)");

    /** The property of a job that names its group. */
    private static final String GROUP = "spark.jobGroup.id";

    /** Is told what happens. */
    interface Events {

        void started(String run, String host);

        void trained(String run, long epochs);

        /** An attempt has failed, as Spark may try again. */
        void failed(String run, String host, String sentence, boolean isOfMachine);

        void slots(int count);

        void over();
    }

    private static Events events;

    private final int coresOfRun;
    private final double gpusOfRun;

    private final Map<Integer, String> runs = new HashMap<>();
    private final Map<String, Integer> slots = new HashMap<>();
    private final Map<String, Integer> atWork = new ConcurrentHashMap<>();
    private final Map<String, Integer> failures = new ConcurrentHashMap<>();
    private final Map<String, RunFailure> last = new ConcurrentHashMap<>();

    /**
     * Listens to an application.
     *
     * @param conf how that is set up
     */
    public RunListener(SparkConf conf) {
        coresOfRun = conf.getInt("spark.task.cpus", 1);
        gpusOfRun = conf.getDouble("spark.task.resource.gpu.amount", 0);
        listen(this);
    }

    private static synchronized void listen(RunListener listener) {
        current = listener;
    }

    /** Adds a listener to an application that is about to be made. */
    static synchronized void addTo(SparkConf conf, Events told) {
        events = told;
        String others = conf.get("spark.extraListeners", "");
        conf.set(
                "spark.extraListeners",
                RunListener.class.getName() + (others.isEmpty() ? "" : "," + others));
    }

    /** Returns the listener, once the application is made. */
    static synchronized RunListener current() {
        return current;
    }

    /** How many attempts at a run have failed. */
    int failures(String run) {
        return failures.getOrDefault(run, 0);
    }

    /** Why the last one did; null if it was not its training that failed. */
    RunFailure lastFailure(String run) {
        return last.get(run);
    }

    boolean isAtWork(String run) {
        return atWork.getOrDefault(run, 0) > 0;
    }

    @Override
    public void onJobStart(SparkListenerJobStart job) {
        String run = job.properties().getProperty(GROUP);
        for (StageInfo stage : asJava(job.stageInfos())) {
            runs.put(stage.stageId(), run);
        }
    }

    @Override
    public void onTaskStart(SparkListenerTaskStart start) {
        String run = runs.get(start.stageId());
        atWork.merge(run, 1, Integer::sum);
        if (!start.taskInfo().speculative()) {
            events.started(run, start.taskInfo().host());
        }
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
        String run = runs.get(end.stageId());
        String host = end.taskInfo().host();
        if (end.reason() instanceof TaskFailedReason failed && !(failed instanceof TaskKilled)) {
            failures.merge(run, 1, Integer::sum);
            Throwable cause =
                    failed instanceof ExceptionFailure exception
                                    && exception.exception().isDefined()
                            ? exception.exception().get()
                            : null;
            if (cause instanceof RunFailure failure) {
                last.put(run, failure);
                events.failed(run, host, failure.getMessage(), failure.isOfMachine());
            } else {
                last.remove(run);
                events.failed(run, host, sentence(failed.toErrorString()), false);
            }
        }
        atWork.merge(run, -1, Integer::sum);
    }

    /**
     * Returns why an attempt failed where that was not its training.
     *
     * @param error what Spark says, whose first line begins with a name of Java's or its own
     */
    static String sentence(String error) {
        String line = error.lines().findFirst().orElse("");
        return line.startsWith(ExecutorLostFailure.class.getSimpleName())
                ? "Its executor was lost; Spark's log tells why."
                : ERROR_NAME.matcher(line).replaceFirst("") + ".";
    }

    @Override
    public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
        asJava(update.accumUpdates())
                .forEach(
                        task -> {
                            String run = runs.get((Integer) task._2());
                            for (AccumulableInfo info : asJava(task._4())) {
                                Option<Object> value = info.update();
                                if (info.name().contains(Driver.EPOCHS)
                                        && value.isDefined()
                                        && run != null) {
                                    events.trained(run, ((Number) value.get()).longValue());
                                }
                            }
                        });
    }

    @Override
    public void onExecutorAdded(SparkListenerExecutorAdded added) {
        ExecutorInfo info = added.executorInfo();
        int count = info.totalCores() / coresOfRun;
        if (gpusOfRun > 0) {
            ResourceInformation gpus = asJava(info.resourcesInfo()).get("gpu");
            count = Math.min(count, gpus == null ? 0 : (int) (gpus.addresses().length / gpusOfRun));
        }
        slots.put(added.executorId(), count);
        tellSlots();
    }

    @Override
    public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
        slots.remove(removed.executorId());
        tellSlots();
    }

    private void tellSlots() {
        events.slots(slots.values().stream().mapToInt(count -> count).sum());
    }

    @Override
    public void onApplicationEnd(SparkListenerApplicationEnd end) {
        events.over();
    }
}
