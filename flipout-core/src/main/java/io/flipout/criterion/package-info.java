/** Which weight matters least. */
package io.flipout.criterion;
