package io.flipout.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;

/** Runs a command as a user would, and keeps what it printed. */
public record Shell(int status, String out, String err) {

    public static Shell run(List<Object> words) {
        return run(words.toArray());
    }

    public static Shell run(Object... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] words = new String[args.length];
        for (int i = 0; i < args.length; i++) {
            words[i] = args[i].toString();
        }
        int status = Main.run(new PrintWriter(out, true), new PrintWriter(err, true), words);
        return new Shell(status, out.toString(), err.toString());
    }
}
