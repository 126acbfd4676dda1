package io.flipout.djl.torchscript;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the reason in what PyTorch says when a module fails. */
public final class EngineMessages {

    /** The interpreter tells first that it failed, then where, and why at the very end. */
    private static final String INTERPRETER = "TorchScript interpreter";

    /** As {@code RuntimeError: ...} or {@code builtins.ValueError: AssertionError: ...}. */
    private static final Pattern REASON =
            Pattern.compile("(?:[A-Za-z_][\\w.]*(?:Error|Exception|Interrupt|Warning): )+(.+)");

    /** What follows a first sentence speaks to those who build PyTorch. */
    private static final Pattern SENTENCE = Pattern.compile("(.{20,}?[^.])\\. (?=[A-Z]).*");

    private EngineMessages() {}

    /**
     * Returns why the engine failed, in a clause without a full stop.
     *
     * @param e what it threw
     * @return the reason
     */
    public static String reason(Throwable e) {
        String message = e.getMessage();
        if (message == null || message.isBlank()) {
            return e.getClass().getSimpleName();
        }
        List<String> lines =
                message.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
        String reason = lines.get(0);
        if (reason.contains(INTERPRETER)) {
            for (String line : lines) {
                Matcher matcher = REASON.matcher(line);
                if (matcher.matches()) {
                    reason = matcher.group(1);
                }
            }
        }
        Matcher sentence = SENTENCE.matcher(reason);
        return (sentence.matches() ? sentence.group(1) : reason).replaceAll("[.:]+$", "");
    }
}
