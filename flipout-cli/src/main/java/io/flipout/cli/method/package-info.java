/** The methods as the command line knows them: options, defaults, schedules. */
package io.flipout.cli.method;
