/* What the exporter and the importer of SageMaker's definition agree on. */
#include "exchange/sagemaker.h"

static const struct {
    const char *name;
    enum job_class class;
} exceptions[] = {
    {"Step.SERVICE_FAULT", JOB_UNREACHABLE},        {"Step.THROTTLING", JOB_THROTTLED},
    {"SageMaker.JOB_INTERNAL_ERROR", JOB_INTERNAL}, {"SageMaker.CAPACITY_ERROR", JOB_CAPACITY},
    {"SageMaker.RESOURCE_LIMIT", JOB_LIMIT},        {"Emr.RESOURCE_LIMIT", JOB_LIMIT},
};

const char *sagemaker_exception(enum job_class class)
{
    for (size_t i = 0; i < COUNT_OF(exceptions); i++)
        if (exceptions[i].class == class)
            return exceptions[i].name;
    return NULL;
}

enum job_class sagemaker_class(struct text exception)
{
    for (size_t i = 0; i < COUNT_OF(exceptions); i++)
        if (text_equal(exception, text_of(exceptions[i].name)))
            return exceptions[i].class;
    return JOB_SUCCEEDED;
}
