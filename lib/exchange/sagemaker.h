/* What the exporter and the importer of SageMaker's definition agree on. For the files of this
 * module. */
#ifndef EXCHANGE_SAGEMAKER_H
#define EXCHANGE_SAGEMAKER_H

#include "exchange/export.h"

#define SAGEMAKER_VERSION "2020-12-01"
#define SAGEMAKER_FOLDER  "s3://BUCKET/" /* the folder of the definition; no bucket has capitals */
#define SAGEMAKER_NAME    "Pipeline"     /* the key of Metadata with the pipeline's name */

/* What SageMaker can try again after, by the class of a failure; NULL: it never does. */
const char *sagemaker_exception(enum job_class class);
/* JOB_SUCCEEDED: there is no such exception. */
enum job_class sagemaker_class(struct text exception);

/* A step's `when` as a list of conditions that must all hold. */
int export_conditions(struct exporting *x, const struct step *s, json_t *list);

#endif
